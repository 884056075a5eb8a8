// A copy of a manifest for as long as it is enqueued: it is read twice (checked, then enqueued), and standard input and
// a web server give it once. A file that somebody edits meanwhile cannot slip in what was not checked.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ManifestSource } from "../manifest/entry.ts";

/** A manifest that can be read as often as one likes. Whoever keeps it removes it. */
export interface KeptManifest {
  name: string;
  /** SHA-256 of its bytes, lower-case hex. */
  digest: string;
  open(): ManifestSource;
  remove(): Promise<void>;
}

/** Copies a manifest to a folder of its own; memory does not grow with it. */
export async function keepManifest(source: ManifestSource, signal: AbortSignal): Promise<KeptManifest> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-manifest-"));
  const path = join(folder, "manifest");
  const remove = () => rm(folder, { recursive: true, force: true });
  const hash = createHash("sha256");
  try {
    await pipeline(source.bytes, (bytes) => hashed(bytes, hash), createWriteStream(path), { signal });
  } catch (error) {
    await remove();
    throw error;
  }
  const { name, mediaType } = source;
  return {
    name,
    digest: hash.digest("hex"),
    open: () => ({ name, mediaType, bytes: createReadStream(path, { highWaterMark: 256 * 1024 }) }),
    remove,
  };
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
}
