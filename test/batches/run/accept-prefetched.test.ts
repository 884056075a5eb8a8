// Chunks are handed over ahead of whoever takes them, a bounded number of them, and come back in order.
import { expect, test } from "vitest";
import { acceptPrefetched } from "../../../src/batches/run/accept-prefetched.ts";
import type { SpoolChunk } from "../../../src/batches/run/item-spool.ts";
import type { Accepted } from "../../../src/catalog/batches/encoded-items.ts";

/** `count` pieces; each is one byte, its own number. */
async function* piecesOf(count: number): AsyncGenerator<SpoolChunk> {
  for (let at = 1; at <= count; at++) yield { lines: Uint8Array.of(at), read: at * 10 };
}

function acceptedOf(at: number): Accepted {
  return { fresh: [`r-${at}`], known: [] };
}

/** A thread of which the test decides when it is done with what it was given. */
function openThread() {
  const given: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<Accepted>>();
  const endOf = (at: number) => {
    const end = ends.get(at) ?? Promise.withResolvers<Accepted>();
    ends.set(at, end);
    return end;
  };
  return {
    given,
    accept: ([at = 0]: Uint8Array) => {
      given.push(at);
      return endOf(at).promise;
    },
    commit: (at: number) => endOf(at).resolve(acceptedOf(at)),
    fail: (at: number) => endOf(at).reject(new Error(`disk full at ${at}`)),
  };
}

const never = new AbortController().signal;

test("three chunks are out at once, and each is told in its order once it is committed", async () => {
  const { given, accept, commit } = openThread();
  const chunks = acceptPrefetched(piecesOf(6), { accept, signal: never });
  const first = chunks.next();
  commit(2);
  commit(1);
  expect((await first).value).toEqual({ accepted: acceptedOf(1), read: 10 });
  expect(given).toEqual([1, 2, 3]);
  expect((await chunks.next()).value).toEqual({ accepted: acceptedOf(2), read: 20 });
  expect(given).toEqual([1, 2, 3, 4]);
  for (const at of [3, 4, 5, 6]) commit(at);
  const rest: number[] = [];
  for await (const { read } of chunks) rest.push(read);
  expect([rest, given]).toEqual([
    [30, 40, 50, 60],
    [1, 2, 3, 4, 5, 6],
  ]);
});

test("when it is interrupted, nothing more is begun, and what was begun is told to its end", async () => {
  const { given, accept, commit } = openThread();
  const controller = new AbortController();
  const chunks = acceptPrefetched(piecesOf(9), { accept, signal: controller.signal });
  for (const at of [1, 2, 3]) commit(at);
  await chunks.next();
  controller.abort();
  const rest: number[] = [];
  for await (const { read } of chunks) rest.push(read);
  expect([rest, given]).toEqual([
    [20, 30],
    [1, 2, 3],
  ]);
});

test("a chunk that fails is told in its turn, after those that were committed before it", async () => {
  const { accept, commit, fail } = openThread();
  const chunks = acceptPrefetched(piecesOf(4), { accept, signal: never });
  fail(2);
  commit(1);
  expect((await chunks.next()).value).toMatchObject({ read: 10 });
  await expect(chunks.next()).rejects.toThrow("disk full at 2");
});
