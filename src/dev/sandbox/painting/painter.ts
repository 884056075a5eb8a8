// Pictures on demand: small ones painted on the spot, large ones in a thread, all of them kept for a while.
import { startThread } from "../../../app/thread.ts";
import { paint } from "./paint.ts";
import { type Picture, toPictureId } from "./picture.ts";

/** Gives the bytes of pictures. */
export interface Painter {
  /** The PNG of a picture; rejects when the painter is closed meanwhile. */
  paint(picture: Picture): Promise<Buffer>;
  close(): Promise<void>;
}

/** What is kept painted, so that downloads repeated by a client cost nothing. Evicted pictures are painted again. */
const CACHE_MAX_BYTES = 256 * 1024 * 1024;

/** Up to this many pixels painting takes about a millisecond or two, less than a thread takes to start. */
const INLINE_MAX_PIXELS = 200 * 200;

/** Opens a painter. The thread starts with the first large picture. */
export function openPainter(): Painter {
  const cache = createCache();
  let thread: ReturnType<typeof openThread> | undefined;
  let closed = false;
  const paintNow = async (picture: Picture): Promise<Buffer> => {
    if (closed) throw new Error("Cannot paint a picture: the painter is closed");
    if (picture.width * picture.height <= INLINE_MAX_PIXELS) return paint(picture);
    thread ??= openThread();
    return thread.paint(picture);
  };
  return {
    paint: (picture) => cache.get(toPictureId(picture), () => paintNow(picture)),
    close: async () => {
      closed = true;
      await thread?.close();
    },
  };
}

// least recently used first, as a Map keeps its keys in the order they were set
function createCache() {
  const entries = new Map<string, { png: Promise<Buffer>; bytes: number }>();
  let totalBytes = 0;
  const drop = (id: string) => {
    totalBytes -= entries.get(id)?.bytes ?? 0;
    entries.delete(id);
  };
  const add = (id: string, make: () => Promise<Buffer>) => {
    const entry = { png: make(), bytes: 0 };
    entries.set(id, entry);
    entry.png.then(
      (png) => {
        entry.bytes = png.length;
        totalBytes += png.length;
        for (const oldest of entries.keys()) {
          if (totalBytes <= CACHE_MAX_BYTES) break;
          drop(oldest);
        }
      },
      () => entries.delete(id),
    );
    return entry.png;
  };
  return {
    get(id: string, make: () => Promise<Buffer>): Promise<Buffer> {
      const known = entries.get(id);
      if (known === undefined) return add(id, make);
      entries.delete(id);
      entries.set(id, known);
      return known.png;
    },
  };
}

function openThread() {
  const worker = startThread("paint-worker", { beside: import.meta.url });
  const waiting = new Map<number, { resolve: (png: Buffer) => void; reject: (error: Error) => void }>();
  let count = 0;
  const rejectAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", ({ number, png, fault }: { number: number; png?: Uint8Array; fault?: string }) => {
    const waiter = waiting.get(number);
    waiting.delete(number);
    if (png !== undefined) waiter?.resolve(Buffer.from(png.buffer, png.byteOffset, png.byteLength));
    else waiter?.reject(new Error(`Cannot paint a picture: ${fault}`));
  });
  worker.on("error", rejectAll);
  return {
    paint: (picture: Picture) =>
      new Promise<Buffer>((resolve, reject) => {
        count += 1;
        waiting.set(count, { resolve, reject });
        worker.postMessage({ number: count, picture });
      }),
    close: async () => {
      await worker.terminate();
      rejectAll(new Error("Cannot paint a picture: the painter is closed"));
    },
  };
}
