// Async iteration with bounded concurrency, and in chunks. Holds only the items being worked on.

/** Bounds what is worked on: the number of items, and what they weigh together. A heavier item is worked on alone. */
export interface Limit<Item> {
  items: number;
  weight: number;
  weightOf(item: Item): number;
}

/**
 * Runs `work` on each item, as many at a time as `limit` allows; yields the results in the order of the items. An item counts
 * until the result behind its own is asked for: whatever the caller holds of a result is within the limit as well.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  limit: number | Limit<Item>,
  work: (item: Item) => Promise<Result>,
): AsyncIterable<Result> {
  const { items: most, weight: heaviest, weightOf } = toLimit(limit);
  const running: { result: Promise<Result>; weight: number }[] = [];
  let held = 0;
  async function* giveFirst(): AsyncIterable<Result> {
    const [first] = running;
    if (first === undefined) return;
    yield await first.result;
    running.shift();
    held -= first.weight;
  }
  try {
    for await (const item of items) {
      const weight = weightOf(item);
      while (running.length >= most || (running.length > 0 && held + weight > heaviest)) yield* giveFirst();
      const result = work(item);
      // awaited below; until then a rejection must not crash the process
      result.catch(() => undefined);
      running.push({ result, weight });
      held += weight;
    }
    while (running.length > 0) yield* giveFirst();
  } finally {
    await Promise.allSettled(running.map(({ result }) => result));
  }
}

function toLimit<Item>(limit: number | Limit<Item>): Limit<Item> {
  if (typeof limit === "object") return limit;
  return { items: limit, weight: Number.POSITIVE_INFINITY, weightOf: () => 0 };
}

/** The items in chunks of `size`; the last one may be smaller. */
export async function* chunk<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
