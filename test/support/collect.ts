// Everything that an iterable gives. (Array.fromAsync is younger than our compiler's library.)

/** Reads to the end. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
