// An export from the first image to the last: read, checked against its digest, given its recipe if that is wanted, and
// handed to the format. What the store does not have as the catalog says is left out by name, never replaced.
import { createHash } from "node:crypto";
import type { ArchivedImage, AssetFault } from "../../domain/records.ts";
import { mapInOrder } from "../../domain/streams.ts";
import type { Store } from "../../pipeline/ports.ts";
import { READ_BYTES_MAX } from "../../pipeline/read-budget.ts";
import { toExportLine } from "../report/export-line.ts";
import { embedRecipe } from "./embed.ts";
import type { ExportFile, ExportItem, Wants, Writing } from "./format.ts";

export interface ExportDeps {
  store: Store;
  signal: AbortSignal;
  /** A thumbnail of an asset, of its bytes where they are in hand; undefined where none can be made. */
  thumbnail(asset: ArchivedImage["asset"], original: Buffer | undefined): Promise<Buffer | undefined>;
  /** Called for each image that is left out, with the reason. */
  onLeftOut(image: ArchivedImage, reason: string): void;
  /** Called for each image that is listed although its bytes are known to be lost or spoilt. */
  onLost?(image: ArchivedImage, fault: AssetFault): void;
  onProgress(exported: Exported): void;
}

export interface ExportOptions {
  wants: Wants;
  /** Whether copies carry their recipe inside. */
  embed: boolean;
}

/** How an export went so far. */
export interface Exported {
  images: number;
  /** Of the files; 0 for formats without. */
  bytes: number;
  left_out: number;
  /** Copies that cannot carry their recipe. */
  without_recipe: number;
  /** Lines of images whose bytes are known to be lost or spoilt. */
  lost: number;
}

/** Images in hand at a time: a store over the network is slow to answer. Their bytes stay within READ_BYTES_MAX. */
const AT_ONCE = 8;

/** How often other work of this process gets its turn, in images: a Ctrl-C among it. */
const TURN_EVERY = 200;

/** Hands each image to `writing`, in order, and closes it. */
export async function exportImages(
  images: Iterable<ArchivedImage>,
  { writing, ...context }: ExportDeps & ExportOptions & { writing: Writing },
): Promise<Exported> {
  const done: Exported = { images: 0, bytes: 0, left_out: 0, without_recipe: 0, lost: 0 };
  try {
    for await (const loaded of load(images, context)) {
      context.signal.throwIfAborted();
      if ("reason" in loaded) {
        done.left_out += 1;
        context.onLeftOut(loaded.image, loaded.reason);
      } else {
        await writing.add(note(done, loaded, context));
        noteLost(done, loaded.source, context);
      }
      context.onProgress(done);
      if ((done.images + done.left_out) % TURN_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await writing.close();
    return done;
  } finally {
    await writing.release?.();
  }
}

// a line says what was made and archived, which stays true: it is kept, and what is wrong is said beside it
function noteLost(done: Exported, source: ArchivedImage, { wants, onLost }: ExportDeps & ExportOptions): void {
  const { fault = null } = source;
  // bytes that were just read are good, whatever was found once
  if (wants.images || fault === null || fault === "misrecorded") return;
  done.lost += 1;
  onLost?.(source, fault);
}

type Loaded = Omit<ExportItem, "number" | "line"> | { image: ArchivedImage; reason: string };

function load(
  images: Iterable<ArchivedImage>,
  context: ExportDeps & ExportOptions,
): AsyncIterable<Loaded> | Iterable<Loaded> {
  const { wants } = context;
  // no store is asked: a million lines need no waiting for each other
  if (!wants.images && !wants.thumbnails) return withNothing(images);
  // a copy with its recipe is held beside its original for a moment
  const copies = wants.images && context.embed ? 2 : 1;
  const limit = {
    items: AT_ONCE,
    weight: READ_BYTES_MAX,
    weightOf: ({ asset }: ArchivedImage) => asset.bytes * copies,
  };
  return mapInOrder(images, limit, (image) => loadOne(image, context));
}

function* withNothing(images: Iterable<ArchivedImage>): Generator<Loaded> {
  for (const source of images) yield { source, file: undefined, thumbnail: undefined };
}

async function loadOne(image: ArchivedImage, context: ExportDeps & ExportOptions): Promise<Loaded> {
  const { wants } = context;
  const bytes = wants.images ? await readWhole(image, context) : undefined;
  if (typeof bytes === "string") return { image, reason: bytes };
  const thumbnail = wants.thumbnails ? await context.thumbnail(image.asset, bytes) : undefined;
  if (wants.thumbnails && thumbnail === undefined) return { image, reason: "no thumbnail of it can be made" };
  return { source: image, file: bytes && toFile(bytes, image, context), thumbnail };
}

// the bytes, or why not
async function readWhole({ asset }: ArchivedImage, { store, signal }: ExportDeps): Promise<Buffer | string> {
  const bytes = await store.get(asset.key, { signal });
  if (bytes === undefined) return "it is not in the store";
  const digest = sha256(bytes);
  return digest === asset.digest ? bytes : `the store holds ${bytes.length} bytes with digest ${digest}`;
}

function toFile(bytes: Buffer, image: ArchivedImage, { embed }: ExportOptions): ExportFile {
  const { digest, key } = image.asset;
  const name = `${image.request.request_id}-${image.index}${key.slice(key.lastIndexOf("."))}`;
  const copy = embed ? embedRecipe(bytes, image) : undefined;
  return copy === undefined ? { name, bytes, digest } : { name, bytes: copy, digest: sha256(copy) };
}

/** Numbers in names, so that they sort in the order of the export, and differ where upper and lower case do not. */
const DIGITS = 7;

function note(done: Exported, loaded: Exclude<Loaded, { reason: string }>, { embed }: ExportOptions): ExportItem {
  const { source, file } = loaded;
  done.images += 1;
  done.bytes += file?.bytes.length ?? 0;
  if (embed && file !== undefined && file.digest === source.asset.digest) done.without_recipe += 1;
  const number = done.images;
  const name = `${String(number).padStart(DIGITS, "0")}-${file?.name}`;
  return { ...loaded, number, line: toExportLine(source), file: file && { ...file, name } };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
