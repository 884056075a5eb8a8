// What the tests of exports share: a small archive of real images, and writing it out in any format.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { onTestFinished } from "vitest";
import { type OpenCatalog, openCatalog } from "../../../src/catalog/catalog.ts";
import type { SearchQuery } from "../../../src/catalog/search/search.ts";
import { imageKey } from "../../../src/domain/keys.ts";
import type { Asset, ImageType } from "../../../src/domain/records.ts";
import type { SubmissionInput } from "../../../src/domain/request/submission-input.ts";
import { readThumbnail } from "../../../src/image/read-thumbnail.ts";
import { writeFolderAtomically } from "../../../src/output/export/atomic-output.ts";
import { type Exported, exportImages } from "../../../src/output/export/export.ts";
import type { Format, Sink, Wants, Writing } from "../../../src/output/export/format.ts";
import type { Store } from "../../../src/pipeline/ports.ts";
import { createDirectoryStore } from "../../../src/storage/directory.ts";
import { accept, answer, reserve } from "../../catalog/support.ts";

export interface Archive {
  folder: string;
  catalog: OpenCatalog;
  store: Store;
  /** Archives a request with an image for each of these types. */
  add(id: string, fields?: Partial<SubmissionInput>, types?: readonly ImageType[]): Promise<Asset[]>;
}

/** An archive of this test alone. */
export async function openArchive(): Promise<Archive> {
  const folder = mkdtempSync(join(tmpdir(), "asset-archiver-export-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const catalog = openCatalog({ file: join(folder, "catalog.db") });
  onTestFinished(() => catalog.close());
  await catalog.register();
  const store = createDirectoryStore({ root: join(folder, "archive") });
  let shade = 0;
  return {
    folder,
    catalog,
    store,
    add: async (id, fields = {}, types = ["image/png"]) => {
      const indexes = types.map((_, index) => index);
      await accept(catalog, id, { n: types.length, ...fields });
      await catalog.answerCall(await reserve(catalog, id, { n: types.length, seed: 7 }), answer(indexes));
      const made: Asset[] = [];
      for (const [index, type] of types.entries()) {
        const asset = await put(store, await makeImage(type, shade++));
        await catalog.recordAsset({ request_id: id, index }, { ...asset, phash: "0".repeat(16) });
        made.push(asset);
      }
      await catalog.finish(id, { state: "archived" });
      return made;
    },
  };
}

const EXTENSIONS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" } as const;

async function put(store: Store, { bytes, type }: { bytes: Buffer; type: ImageType }): Promise<Asset> {
  const digest = createHash("sha256").update(bytes).digest("hex");
  const key = imageKey(digest, EXTENSIONS[type]);
  await store.put(key, bytes, { contentType: type, digest });
  return { digest, key, bytes: bytes.length, content_type: type, width: 16, height: 9, archived_at: 1_790_000_000_000 };
}

/** A small image, another one for each shade. */
export async function makeImage(type: ImageType, shade: number): Promise<{ bytes: Buffer; type: ImageType }> {
  const background = { r: shade % 256, g: (shade * 7) % 256, b: 128 };
  const image = sharp({ create: { width: 16, height: 9, channels: 3, background } });
  return { type, bytes: await image.toFormat(type === "image/jpeg" ? "jpeg" : EXTENSIONS[type]).toBuffer() };
}

export interface Options {
  query?: SearchQuery;
  embed?: boolean;
  wants?: Wants;
  signal?: AbortSignal;
}

export interface Written {
  done: Exported;
  leftOut: string[];
}

/** Writes a file format and gives its bytes. */
export async function exportFile(
  archive: Archive,
  format: Format,
  options: Options = {},
): Promise<Written & { bytes: Buffer }> {
  if (format.to !== "file") throw new Error(`${format.name} is no file`);
  const chunks: Buffer[] = [];
  const sink: Sink = { write: async (chunk) => void chunks.push(Buffer.from(chunk)) };
  const written = await run(archive, format.open(sink), { wants: format.wants, ...options });
  return { ...written, bytes: Buffer.concat(chunks) };
}

/** Writes a folder format and gives the folder. */
export async function exportFolder(
  archive: Archive,
  format: Format,
  options: Options & { output?: string } = {},
): Promise<Written & { folder: string }> {
  if (format.to !== "folder") throw new Error(`${format.name} is no folder`);
  const output = options.output ?? join(archive.folder, "out");
  const { signal = new AbortController().signal } = options;
  const written = await writeFolderAtomically({ output, signal }, async (folder) =>
    run(archive, await format.open(folder), { wants: format.wants, ...options }),
  );
  return { ...written, folder: output };
}

async function run(
  { catalog, store }: Archive,
  writing: Writing,
  { query, embed = false, wants, signal = new AbortController().signal }: Options & { wants: Wants },
): Promise<Written> {
  const leftOut: string[] = [];
  const done = await exportImages(catalog.listArchivedImages(query), {
    writing,
    store,
    signal,
    wants,
    embed,
    thumbnail: (asset) => readThumbnail({ store }, asset),
    onLeftOut: ({ request }, reason) => void leftOut.push(`${request.request_id}: ${reason}`),
    onProgress: () => undefined,
  });
  return { done, leftOut };
}

/** The lines of a JSON Lines text. */
export function jsonLines<T = Record<string, unknown>>(text: string | Buffer): T[] {
  const lines = text.toString().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}
