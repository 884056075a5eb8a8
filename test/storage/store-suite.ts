// The contract of a store, written once and run on every implementation.
import { randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RejectedError } from "../../src/domain/errors.ts";
import type { ByteRange, Store } from "../../src/pipeline/ports.ts";
import { type ProbedStore, probeStore } from "../../src/storage/probe.ts";
import { putOptions } from "./put-options.ts";

/** What the suite needs to know of a store. */
export interface StoreUnderTest {
  store: ProbedStore;
  /** Puts bytes under a key behind the store's back. */
  tamper(key: string, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** The keys below a prefix, sorted. */
export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.sort();
}

/** Runs the contract. `open` gives a store that other tests do not use. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let tested: StoreUnderTest;
    let store: ProbedStore;
    beforeAll(async () => {
      tested = await open();
      store = tested.store;
    }, 60_000);
    afterAll(() => tested?.close());

    // a folder for each test, so that they do not meet
    const folder = () => `t${randomUUID().slice(0, 8)}`;

    test("a fresh store lists nothing and finds nothing", async () => {
      expect(await keysOf(store, `${folder()}/`)).toEqual([]);
      expect(await store.get("nowhere/at-all.png")).toBeUndefined();
      expect(await store.head("nowhere/at-all.png")).toBeUndefined();
    });

    test.each([0, 1, 3 * 1024 * 1024 + 7])("%i bytes that were put come back as they were", async (size) => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(size);
      await store.put(key, bytes, putOptions(bytes));
      expect((await store.get(key))?.equals(bytes)).toBe(true);
      const { digest } = putOptions(bytes);
      const facts = await store.head(key);
      expect(facts).toMatchObject({ bytes: size, contentType: "image/png" });
      // not every store keeps one; where it does, it must be the right one
      expect([digest, undefined]).toContain(facts?.digest);
    });

    test("bytes are read as a stream, whole or in part", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(300_000);
      await store.put(key, bytes, putOptions(bytes));
      const read = async (range?: ByteRange) =>
        buffer((await store.read(key, range && { range })) ?? Readable.from([]));
      expect((await read()).equals(bytes)).toBe(true);
      expect((await read({ start: 0, end: 0 })).equals(bytes.subarray(0, 1))).toBe(true);
      expect((await read({ start: 100_000, end: 299_999 })).equals(bytes.subarray(100_000))).toBe(true);
      expect(await store.read(`${folder()}/nothing.png`)).toBeUndefined();
    });

    test("a stream that is given up leaves the store usable", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(2_000_000);
      await store.put(key, bytes, putOptions(bytes));
      for (let time = 0; time < 5; time++) (await store.read(key))?.destroy();
      expect((await buffer((await store.read(key)) ?? Readable.from([]))).equals(bytes)).toBe(true);
    });

    test.each([
      ["image.jpg", "image/jpeg"],
      ["image.webp", "image/webp"],
      ["request.json", "application/json"],
    ])("%s is known as %s", async (file, contentType) => {
      const key = `${folder()}/${file}`;
      const bytes = Buffer.from(file);
      await store.put(key, bytes, putOptions(bytes, contentType));
      expect((await store.head(key))?.contentType).toBe(contentType);
    });

    test("putting the same bytes again is harmless", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(1000);
      await store.put(key, bytes, putOptions(bytes));
      await store.put(key, bytes, putOptions(bytes));
      expect((await store.get(key))?.equals(bytes)).toBe(true);
    });

    test.each([
      ["of the same size", Buffer.from("right bytex")],
      ["cut short", Buffer.from("right")],
      ["too long", Buffer.from("right bytes and more")],
    ])("wrong bytes %s that stand under the key are replaced", async (_, wrong) => {
      const key = `${folder()}/image.png`;
      const bytes = Buffer.from("right bytes");
      await tested.tamper(key, wrong);
      expect((await store.get(key))?.equals(wrong)).toBe(true);
      await store.put(key, bytes, putOptions(bytes));
      expect((await store.get(key))?.toString()).toBe("right bytes");
    });

    test("what was deleted is gone, and deleting it again succeeds", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(10);
      await store.put(key, bytes, putOptions(bytes));
      await store.delete(key);
      await store.delete(key);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.head(key)).toBeUndefined();
    });

    test("a listing holds the keys that begin with the prefix, with their sizes", async () => {
      const at = folder();
      const bytes = randomBytes(12);
      for (const key of ["a/1.png", "a/2.png", "ab/3.png", "b/4.png"]) {
        await store.put(`${at}/${key}`, bytes, putOptions(bytes));
      }
      expect(await keysOf(store, `${at}/a`)).toEqual([`${at}/a/1.png`, `${at}/a/2.png`, `${at}/ab/3.png`]);
      expect(await keysOf(store, `${at}/a/`)).toEqual([`${at}/a/1.png`, `${at}/a/2.png`]);
      expect(await keysOf(store, `${at}/b/4`)).toEqual([`${at}/b/4.png`]);
      const all = await keysOf(store, "");
      expect(all).toContain(`${at}/b/4.png`);
      for await (const entry of store.list(`${at}/b/`)) expect(entry).toEqual({ key: `${at}/b/4.png`, bytes: 12 });
    });

    test("a listing goes on past the thousand of one page", async () => {
      const at = folder();
      const names = Array.from({ length: 1005 }, (_, index) => `${at}/${String(index).padStart(5, "0")}.png`);
      const bytes = Buffer.from("x");
      await inTurns(names, 32, (key) => tested.tamper(key, bytes));
      expect(await keysOf(store, `${at}/`)).toEqual(names);
    }, 120_000);

    test("leaving a listing early is no trouble", async () => {
      const at = folder();
      for (const name of ["1", "2", "3"])
        await store.put(`${at}/${name}`, Buffer.from("x"), putOptions(Buffer.from("x")));
      for await (const { key } of store.list(at)) {
        expect(key.startsWith(at)).toBe(true);
        break;
      }
      expect((await keysOf(store, at)).length).toBe(3);
    });

    test("64 puts at once all arrive", async () => {
      const at = folder();
      const images = Array.from({ length: 64 }, (_, index) => ({
        key: `${at}/${index}.png`,
        bytes: randomBytes(50_000),
      }));
      await Promise.all(images.map(({ key, bytes }) => store.put(key, bytes, putOptions(bytes))));
      for (const { key, bytes } of images) expect((await store.get(key))?.equals(bytes)).toBe(true);
      expect((await keysOf(store, `${at}/`)).length).toBe(64);
    }, 60_000);

    test("16 puts of one key at once leave the right bytes", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(100_000);
      await Promise.all(Array.from({ length: 16 }, () => store.put(key, bytes, putOptions(bytes))));
      expect((await store.get(key))?.equals(bytes)).toBe(true);
    });

    test.each(["", "/a", "a//b", "a/", "../a", "a/../b", "a/./b", "a\\b", ".tmp/a", "a\nb", "ä", "a".repeat(801)])(
      "the key %j is refused by every operation",
      async (key) => {
        const bytes = Buffer.from("x");
        const refusal = { code: "store_key_invalid" };
        await expect(store.put(key, bytes, putOptions(bytes))).rejects.toMatchObject(refusal);
        await expect(store.get(key)).rejects.toThrow(RejectedError);
        await expect(store.head(key)).rejects.toMatchObject(refusal);
        await expect(store.delete(key)).rejects.toMatchObject(refusal);
      },
    );

    test.each(["../", "a/..", "/", "a//", "..", ".tmp/"])("the prefix %j is refused", async (prefix) => {
      await expect(keysOf(store, prefix)).rejects.toMatchObject({ code: "store_key_invalid" });
    });

    test("an aborted operation rejects with the reason and leaves nothing", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(5_000_000);
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await expect(store.put(key, bytes, { ...putOptions(bytes), signal })).rejects.toBe(reason);
      await expect(store.get(key, { signal })).rejects.toBe(reason);
      await expect(store.head(key, { signal })).rejects.toBe(reason);
      await expect(store.delete(key, { signal })).rejects.toBe(reason);
      expect(await store.get(key)).toBeUndefined();
    });

    test("a put aborted half-way rejects with the reason, and a later one succeeds", async () => {
      const key = `${folder()}/image.png`;
      const bytes = randomBytes(8_000_000);
      const aborter = new AbortController();
      const reason = new Error("enough");
      const put = store.put(key, bytes, { ...putOptions(bytes), signal: aborter.signal });
      setImmediate(() => aborter.abort(reason));
      await expect(put).rejects.toBe(reason);
      await store.put(key, bytes, putOptions(bytes));
      expect((await store.get(key))?.equals(bytes)).toBe(true);
    });

    test("an aborted listing rejects with the reason", async () => {
      const at = folder();
      for (const name of ["1", "2"]) await store.put(`${at}/${name}`, Buffer.from("x"), putOptions(Buffer.from("x")));
      const reason = new Error("enough");
      const aborted = store.list(at, { signal: AbortSignal.abort(reason) })[Symbol.asyncIterator]();
      await expect(aborted.next()).rejects.toBe(reason);
    });

    test("the probe finds it in order and leaves nothing behind", async () => {
      const probe = await probeStore(store);
      expect(probe).toMatchObject({ ok: true, location: store.locate("") });
      expect(probe.ms).toBeGreaterThanOrEqual(0);
      expect(await keysOf(store, "probes/")).toEqual([]);
    });
  });
}

async function inTurns<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const turn = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, turn));
}
