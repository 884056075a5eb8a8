// Async iteration with bounded concurrency and weight.
import { expect, test } from "vitest";
import { mapInOrder } from "../../src/domain/streams.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs `weights` through mapInOrder and notes the most that was held, by work and by the caller together. */
async function run(weights: readonly number[], limit: { items: number; weight: number }) {
  let held = 0;
  const most = { items: 0, weight: 0 };
  let items = 0;
  const order: number[] = [];
  const work = async (weight: number) => {
    held += weight;
    items += 1;
    most.items = Math.max(most.items, items);
    most.weight = Math.max(most.weight, held);
    // the heavier, the sooner: out of order without mapInOrder
    for (let rest = 10 - weight; rest > 0; rest--) await turn();
    return weight;
  };
  for await (const weight of mapInOrder(weights, { ...limit, weightOf: (one) => one }, work)) {
    order.push(weight);
    await turn();
    held -= weight;
    items -= 1;
  }
  return { most, order };
}

test("what is worked on and what the caller holds stay within number and weight, in order", async () => {
  const weights = [6, 1, 1, 5, 2, 2, 2, 6, 1];
  expect(await run(weights, { items: 8, weight: 8 })).toEqual({ order: weights, most: { items: 3, weight: 8 } });
  expect(await run(weights, { items: 2, weight: 100 })).toMatchObject({ order: weights, most: { items: 2 } });
});

test("an item over the limit is worked on alone, and none waits indefinitely", async () => {
  const { most, order } = await run([9, 1, 9, 9, 1], { items: 8, weight: 8 });
  expect(order).toEqual([9, 1, 9, 9, 1]);
  expect(most.weight).toBe(9);
});

test("a caller that stops early waits for what is being worked on, and no more is begun", async () => {
  let begun = 0;
  let ended = 0;
  const work = async () => {
    begun += 1;
    await turn();
    ended += 1;
  };
  for await (const _ of mapInOrder([1, 2, 3, 4, 5, 6], { items: 3, weight: 10, weightOf: () => 1 }, work)) break;
  expect(ended).toBe(begun);
  expect(begun).toBeLessThanOrEqual(4);
});
