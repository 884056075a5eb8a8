// Checking a lock on both kinds of store: each object once, and only by what a HEAD tells, unless bytes are to be read.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { TransientError } from "../../src/domain/errors.ts";
import { imageKey } from "../../src/domain/keys.ts";
import type { LockEntry } from "../../src/domain/lockfile/entry.ts";
import { checkLock, type LockChecked } from "../../src/maintenance/check-lock.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { createS3Store } from "../../src/storage/s3.ts";
import { putOptions } from "../storage/put-options.ts";
import { startS3Server } from "../support/s3-server.ts";

interface Place {
  store: Store;
  /** Puts bytes there without the digest, behind the store's back. */
  tamper(key: string, bytes: string, contentType?: string): Promise<void>;
}

async function openDirectory(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "check-lock-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const store = createDirectoryStore({ root });
  return { store, tamper: (key, text) => store.put(key, Buffer.from(text), putOptions(Buffer.from(text))) };
}

async function openS3(): Promise<Place> {
  const server = await startS3Server();
  const store = createS3Store(server);
  const client = new S3Client({ ...server, requestChecksumCalculation: "WHEN_REQUIRED" });
  onTestFinished(async () => {
    client.destroy();
    await store.close();
    await server.close();
  });
  return {
    store,
    async tamper(Key, text, ContentType = "image/png") {
      const Body = Buffer.from(text);
      await client.send(
        new PutObjectCommand({ Bucket: server.bucket, Key, Body, ContentLength: Body.length, ContentType }),
      );
    },
  };
}

/** Puts images and gives the entries that lock them: a text for each image, requests parted by commas. */
async function putAll(store: Store, requests: readonly string[][]): Promise<LockEntry[]> {
  const all = requests.map(async (texts, at) => {
    const images = texts.map(async (text, index) => {
      const bytes = Buffer.from(text);
      const options = putOptions(bytes);
      const key = imageKey(options.digest, "png");
      await store.put(key, bytes, options);
      return { index, digest: options.digest, key, bytes: bytes.length, content_type: "image/png" as const };
    });
    return { request_id: `r${at}`, recipe_id: "0".repeat(64), prompt: "p", images: await Promise.all(images) };
  });
  return Promise.all(all);
}

function check(store: Pick<Store, "head" | "read">, entries: readonly LockEntry[], deep = false): Promise<LockChecked> {
  return checkLock(entries, { store, deep, atOnce: 4, signal: new AbortController().signal });
}

const keyOf = (entries: readonly LockEntry[], request: number, image: number) =>
  entries[request]?.images[image]?.key ?? "";

describe.each([
  ["a directory", openDirectory, "by_size"],
  ["S3", openS3, "by_digest"],
] as const)("in %s", (_, open, proof) => {
  test("all that is there is found, each shared object once, and how it was proven", async () => {
    const { store } = await open();
    const entries = await putAll(store, [["one", "two"], ["one"], ["three"]]);
    const none = { by_digest: 0, by_size: 0, unreachable: 0, unreachable_first: [], found: [] };
    expect(await check(store, entries)).toEqual({ ...none, objects: 3, [proof]: 3 });
    expect(await check(store, entries, true)).toEqual({ ...none, objects: 3, by_digest: 3 });
    expect(await check(store, [])).toEqual({ ...none, objects: 0 });
  });

  test("what is missing, cut short or other bytes is told, with every image that needs it", async () => {
    const { store, tamper } = await open();
    const entries = await putAll(store, [["one", "two"], ["one"], ["three"]]);
    await store.delete(keyOf(entries, 0, 0));
    await tamper(keyOf(entries, 0, 1), "tw");
    await tamper(keyOf(entries, 2, 0), "thRee");
    const quick = await check(store, entries);
    expect(quick.found.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      `missing ${keyOf(entries, 0, 0)}`,
      `changed ${keyOf(entries, 0, 1)}`,
    ]);
    expect(quick.found[0]?.images).toEqual([
      { request_id: "r0", index: 0 },
      { request_id: "r1", index: 0 },
    ]);
    // put behind our back, it has no digest at the store: by its size alone it is in order, and so it is told
    expect(quick).toMatchObject({ objects: 3, by_digest: 0, by_size: 1 });
    const deep = await check(store, entries, true);
    expect(deep.found.map(({ kind }) => kind)).toEqual(["missing", "changed", "changed"]);
    expect(deep.found[2]?.reason).toContain("digest");
  });
});

test("S3 tells other bytes of the same size by the digest that it keeps, and a wrong type", async () => {
  const { store, tamper } = await openS3();
  const entries = await putAll(store, [["one"], ["two"]]);
  const other = Buffer.from("oNe");
  await store.put(keyOf(entries, 0, 0), other, putOptions(other));
  await tamper(keyOf(entries, 1, 0), "two", "binary/octet-stream");
  for (const deep of [false, true]) {
    const { found } = await check(store, entries, deep);
    expect(found.map(({ kind }) => kind)).toEqual(["changed", "wrong_type"]);
    expect(found[1]?.reason).toContain("binary/octet-stream");
  }
});

test("nothing is read unless it is asked for, and never more at once than told", async () => {
  const { store } = await openDirectory();
  const entries = await putAll(store, [Array.from({ length: 20 }, (_, at) => `image ${at}`)]);
  let now = 0;
  let most = 0;
  const watched: Pick<Store, "head" | "read"> = {
    async head(key, options) {
      most = Math.max(most, ++now);
      const facts = await store.head(key, options);
      now -= 1;
      return facts;
    },
    read: () => Promise.reject(new Error("Got a read, wanted none")),
  };
  expect((await check(watched, entries)).by_size).toBe(20);
  expect(most).toBe(4);
});

/** The store, silent about some keys as one that was asked in vain is; `asked` counts. */
function silentAbout(store: Store, isSilent: (key: string) => boolean) {
  const about = {
    asked: 0,
    silence: new TransientError("the store is away", { code: "store_unreachable" }),
    async head(key: string, options?: { signal?: AbortSignal }) {
      about.asked += 1;
      if (isSilent(key)) throw about.silence;
      return store.head(key, options);
    },
    read: store.read,
  };
  return about;
}

const many = (count: number) => Array.from({ length: count }, (_, at) => [`image ${at}`]);

test("an image that the store gives no word of holds up no other, and the first few are named", async () => {
  const { store } = await openDirectory();
  const entries = await putAll(store, many(40));
  await store.delete(keyOf(entries, 1, 0));
  // every third one: never many in a row
  const silent = new Set(entries.filter((_, at) => at % 3 === 0).map((_, at) => keyOf(entries, at * 3, 0)));
  const checked = await check(
    silentAbout(store, (key) => silent.has(key)),
    entries,
  );
  expect(checked).toMatchObject({ objects: 40, by_size: 25, unreachable: 14 });
  expect(checked.found.map(({ kind }) => kind)).toEqual(["missing"]);
  expect(checked.unreachable_first).toHaveLength(10);
  expect(checked.unreachable_first[1]).toEqual({
    key: keyOf(entries, 3, 0),
    digest: entries[3]?.images[0]?.digest,
    images: [{ request_id: "r3", index: 0 }],
    reason: "the store is away",
  });
});

test("a store that is away from the beginning ends it with its error, after a few", async () => {
  const { store } = await openDirectory();
  const away = silentAbout(store, () => true);
  await expect(check(away, await putAll(store, many(100)))).rejects.toBe(away.silence);
  expect(away.asked).toBeLessThan(25);
  await expect(check(away, await putAll(store, [["one"]]))).rejects.toBe(away.silence);
});

test("a store that goes away later is asked no more, and what was found until then is told", async () => {
  const { store } = await openDirectory();
  const entries = await putAll(store, many(100));
  await store.delete(keyOf(entries, 0, 0));
  const there = new Set([0, 1, 2].map((at) => keyOf(entries, at, 0)));
  const leaving = silentAbout(store, (key) => !there.has(key));
  const checked = await check(leaving, entries);
  expect(checked).toMatchObject({ by_size: 2, unreachable: 97 });
  expect(checked.found).toHaveLength(1);
  expect(leaving.asked).toBeLessThan(30);
});

test("a body that breaks off is no word of what it is", async () => {
  const { store } = await openDirectory();
  const entries = await putAll(store, [["one"], ["two"]]);
  const broken = keyOf(entries, 1, 0);
  const read: Store["read"] = async (key, options) => {
    const stream = await store.read(key, options);
    if (key !== broken) return stream;
    stream?.destroy();
    return Readable.from([Buffer.from("t")]).map(() => Promise.reject(new Error("socket hang up")));
  };
  const checked = await check({ head: store.head, read }, entries, true);
  expect(checked).toMatchObject({ by_digest: 1, unreachable: 1, found: [] });
  expect(checked.unreachable_first[0]?.reason).toContain("socket hang up");
});

test("an interruption ends it with the reason", async () => {
  const { store } = await openDirectory();
  const entries = await putAll(store, [["one", "two"]]);
  const reason = new Error("enough");
  const options = { store, deep: false, atOnce: 4, signal: AbortSignal.abort(reason) };
  await expect(checkLock(entries, options)).rejects.toBe(reason);
});
