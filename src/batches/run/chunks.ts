// A stream cut into pieces of which each is dealt with before the next is made. Pure.

/** Enough to ask the catalog about together; and few, since what is in hand is what a garbage collection has to copy. */
const CHUNK = 250;

/** The entries of all parts in lists of at most `size`. Asks for more only when the last list has been dealt with. */
export async function* inChunks<T>(parts: AsyncIterable<Iterable<T>>, size: number = CHUNK): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  for await (const part of parts) {
    for (const entry of part) {
      chunk.push(entry);
      if (chunk.length < size) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
