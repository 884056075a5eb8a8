// A stream cut into pieces of a thousand: what one transaction and one round trip to Redis carry well. Pure.

/** BullMQ's scripts take 500 to 1,000 jobs best; a transaction of so many rows holds the catalog for some 30 ms. */
const CHUNK = 1_000;

/** The same entries in lists of at most `size`. Asks for more only when the last list has been dealt with. */
export async function* inChunks<T>(entries: AsyncIterable<T>, size: number = CHUNK): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  for await (const entry of entries) {
    chunk.push(entry);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
