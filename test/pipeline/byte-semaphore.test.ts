import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteSemaphore, createByteSemaphore, type Lease } from "../../src/pipeline/byte-semaphore.ts";

/** Acquires these bytes; `isIn` says whether they were granted. */
function enter(room: ByteSemaphore, bytes: number): Lease & { isIn(): boolean } {
  const stay = room.open();
  let isIn = false;
  stay.acquire(bytes).then(() => {
    isIn = true;
  });
  return { ...stay, isIn: () => isIn };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("What fits is granted at once, the others after a release, in the order they came", async () => {
  const room = createByteSemaphore(10);
  const [first, second, third, fourth] = [6, 5, 4, 1].map((bytes) => enter(room, bytes)) as [
    ReturnType<typeof enter>,
    ...ReturnType<typeof enter>[],
  ];
  await settled();
  // the third and the fourth would fit beside the first, but the second has waited for longer
  expect([first, second, third, fourth].map((stay) => stay?.isIn())).toEqual([true, false, false, false]);
  first.release();
  await settled();
  expect([second, third, fourth].map((stay) => stay?.isIn())).toEqual([true, true, true]);
  expect(room.held()).toBe(10);
});

test("What is larger than the limit is granted alone", async () => {
  const room = createByteSemaphore(10);
  const small = enter(room, 1);
  const large = enter(room, 25);
  await settled();
  expect(large.isIn()).toBe(false);
  small.release();
  await settled();
  expect(large.isIn()).toBe(true);
  const next = enter(room, 1);
  await settled();
  expect(next.isIn()).toBe(false);
  large.release();
  await settled();
  expect(next.isIn()).toBe(true);
});

test("Who leaves while waiting lets the next one in, and leaving twice changes nothing", async () => {
  const room = createByteSemaphore(10);
  const first = enter(room, 9);
  const waiting = enter(room, 9);
  const small = enter(room, 1);
  waiting.release();
  waiting.release();
  await settled();
  expect([waiting.isIn(), small.isIn()]).toEqual([false, true]);
  first.release();
  first.release();
  small.release();
  expect(room.held()).toBe(0);
});

test("Two leases that acquire again at the same time do not deadlock", async () => {
  const room = createByteSemaphore(10);
  const stays = [room.open(), room.open()];
  await Promise.all(stays.map((stay) => stay.acquire(5)));
  await Promise.all(
    stays.map(async (stay) => {
      await stay.acquire(8);
      stay.release();
    }),
  );
  expect(room.held()).toBe(0);
});

test("Never more than the room holds, unless one alone does, and everybody comes in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 50 }), fc.array(fc.integer({ min: 0, max: 80 })), async (max, sizes) => {
      const room = createByteSemaphore(max);
      let inside: number[] = [];
      await Promise.all(
        sizes.map(async (bytes, index) => {
          const stay = room.open();
          await stay.acquire(bytes);
          inside.push(index);
          const sum = inside.reduce((total, one) => total + (sizes[one] ?? 0), 0);
          expect(sum <= max || inside.filter((one) => (sizes[one] ?? 0) > 0).length === 1).toBe(true);
          await settled();
          inside = inside.filter((one) => one !== index);
          stay.release();
        }),
      );
      expect(room.held()).toBe(0);
    }),
    { numRuns: 50 },
  );
});
