// The items of a batch into the catalog, a few chunks ahead of whoever adds their jobs: the recording thread commits one
// while Redis takes the jobs of those before. Of each item the row still comes first.
import type { Accepted } from "../../catalog/batches/encoded-items.ts";
import type { SpoolChunk } from "./item-spool.ts";

/** Chunks that are with the thread at once: one that is being committed, one that waits, so that it never does. */
const AHEAD = 2;

export interface AcceptOptions {
  accept(lines: Uint8Array): Promise<Accepted>;
  signal: AbortSignal;
}

/** What became of each chunk, in their order, once it is committed. When `signal` is aborted it ends with what it has begun. */
export async function* acceptPrefetched(
  pieces: AsyncIterable<SpoolChunk>,
  { accept, signal }: AcceptOptions,
): AsyncGenerator<{ accepted: Accepted; read: number }> {
  const begun: Promise<{ accepted: Accepted; read: number }>[] = [];
  for await (const { lines, read } of pieces) {
    if (signal.aborted) break;
    const ended = accept(lines).then((accepted) => ({ accepted, read }));
    // it is waited for in its turn, and may fail before
    ended.catch(() => undefined);
    begun.push(ended);
    const first = begun.length > AHEAD ? begun.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const ended of begun) yield await ended;
}
