// Work on many things, a few at a time. Nothing else.

export interface AtOnce {
  atOnce: number;
  signal: AbortSignal;
}

/** Calls `work` for each item, `atOnce` of them at the same time. The first failure ends it, and so does the signal. */
export async function forEachAtOnce<Item>(
  items: Iterable<Item>,
  { atOnce, signal }: AtOnce,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let over = false;
  const run = async () => {
    while (!over && !signal.aborted) {
      const next = iterator.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, run));
  } catch (error) {
    over = true;
    if (!signal.aborted) throw error;
  }
}
