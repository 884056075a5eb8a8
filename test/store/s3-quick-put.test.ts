// The quick way to put: learnt from the first upload, the same on the wire, and left for the SDK's whenever it goes wrong.
import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import type { Store } from "../../src/pipeline/ports.ts";
import { createS3Store, type S3StoreOptions } from "../../src/store/s3.ts";
import { putOptions } from "./put-options.ts";
import { type Habits, md5Etag, type Seen, type StandIn, sendError, startStandIn } from "./s3-stand-in.ts";

const BYTES = randomBytes(10_000);
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "secret" };

const opened: { store: Store; server: StandIn }[] = [];
afterEach(async () => {
  for (const { store, server } of opened.splice(0)) {
    await store.close();
    await server.close();
  }
});

/** A store that has put once, well, and so knows the way; from now on `habits` count. */
async function openAndLearn(habits: Habits = {}, options: Partial<S3StoreOptions> = {}) {
  let learnt = false;
  const server = await startStandIn({
    keep: (bytes) => (learnt && habits.keep ? habits.keep(bytes) : bytes),
    etag: (kept) => (learnt && habits.etag ? habits.etag(kept) : md5Etag(kept)),
    misbehave: (request, response) => learnt && (habits.misbehave?.(request, response) ?? false),
  });
  const { endpoint } = server;
  const basics = { bucket: "archive", forcePathStyle: true, region: "eu-test-1", credentials: CREDENTIALS };
  const store = createS3Store({ endpoint, ...basics, ...options });
  opened.push({ store, server });
  await store.put("first.png", BYTES, putOptions(BYTES));
  learnt = true;
  server.seen.length = 0;
  return { store, server };
}

const isQuick = ({ headers }: Seen) => headers["user-agent"] === "asset-archiver";

/** What a signature covers, and for what: the parts of the header that a store looks at first. */
function scopeOf({ headers }: Seen) {
  const parts = /Credential=(\w+)\/\d{8}\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/;
  const [, key, region, names = ""] = parts.exec(headers.authorization ?? "") ?? [];
  return { key, region, names: names.split(";") };
}

test("After a first upload the others say the same in the quick way", async () => {
  const { store, server } = await openAndLearn({}, { prefix: "team/a" });
  const options = putOptions(BYTES, "image/webp");
  await store.put("images/ab/abcd.webp", BYTES, options);
  const [seen] = server.seen as [Seen];
  expect(isQuick(seen)).toBe(true);
  const { key, region, names } = scopeOf(seen);
  expect([key, region]).toEqual(["test", "eu-test-1"]);
  expect(names).toEqual(
    expect.arrayContaining(["host", "content-type", "x-amz-content-sha256", "x-amz-checksum-sha256"]),
  );
  expect(seen.path).toBe("/archive/team/a/images/ab/abcd.webp");
  expect(seen.body.equals(BYTES)).toBe(true);
  expect(seen.headers).toMatchObject({
    "content-type": "image/webp",
    "content-length": "10000",
    "cache-control": "public, max-age=31536000, immutable",
    "x-amz-content-sha256": options.digest,
    "x-amz-checksum-sha256": Buffer.from(options.digest, "hex").toString("base64"),
    "x-amz-sdk-checksum-algorithm": "SHA256",
  });
  expect(server.connections()).toBe(1);
});

test("A key of any printable character comes out as the SDK writes it", async () => {
  const { store, server } = await openAndLearn();
  const key = "odd/a b+c!'()*~$&,;=:@[]{}%|.png";
  await store.put(key, BYTES, putOptions(BYTES));
  const other = createS3Store({
    endpoint: server.endpoint,
    bucket: "archive",
    forcePathStyle: true,
    region: "eu-test-1",
    credentials: CREDENTIALS,
  });
  await other.put(key, BYTES, putOptions(BYTES));
  await other.close();
  const [quick, slow] = server.seen as [Seen, Seen];
  expect([isQuick(quick), isQuick(slow)]).toEqual([true, false]);
  expect(quick.path).toBe(slow.path);
});

test("A session's token goes along, and is signed", async () => {
  const credentials = { ...CREDENTIALS, sessionToken: "token" };
  const { store, server } = await openAndLearn({}, { credentials });
  await store.put("b.png", BYTES, putOptions(BYTES));
  const [seen] = server.seen as [Seen];
  expect(seen.headers["x-amz-security-token"]).toBe("token");
  expect(isQuick(seen)).toBe(true);
  expect(scopeOf(seen).names).toContain("x-amz-security-token");
});

test.each<[string, Habits]>([
  ["truncated bytes and the MD5 of them", { keep: (bytes) => bytes.subarray(0, 5000) }],
  ["truncated bytes and an opaque ETag", { keep: (bytes) => bytes.subarray(0, 5000), etag: () => '"opaque"' }],
])("A store that keeps %s is found out on the quick way too", async (_, habits) => {
  const { store, server } = await openAndLearn(habits);
  const put = store.put("b.png", BYTES, putOptions(BYTES));
  await expect(put).rejects.toMatchObject({ code: "store_mismatch" });
  expect(isQuick(server.seen[0] as Seen)).toBe(true);
});

test("What fails on the quick way is done by the SDK, which shows the way anew", async () => {
  const { store, server } = await openAndLearn({
    misbehave: (request, response) =>
      isQuick(request) && server.seen.length < 2 && sendError(response, 503, "SlowDown"),
  });
  await store.put("b.png", BYTES, putOptions(BYTES));
  await store.put("c.png", BYTES, putOptions(BYTES));
  expect(server.seen.map(isQuick)).toEqual([true, false, true]);
  expect([...server.objects.keys()]).toEqual(["/archive/first.png", "/archive/b.png", "/archive/c.png"]);
});

test("A connection that breaks on the quick way is the SDK's to mend", async () => {
  const { store, server } = await openAndLearn({
    misbehave: (request, response) => isQuick(request) && response.destroy() !== undefined,
  });
  await store.put("b.png", BYTES, putOptions(BYTES));
  expect(server.seen.map(isQuick)).toEqual([true, false]);
});

test("A refusal comes out in the words of the SDK's answer, and is not asked for twice again", async () => {
  const { store, server } = await openAndLearn({
    misbehave: (_, response) => sendError(response, 403, "InvalidAccessKeyId"),
  });
  for (const key of ["b.png", "c.png"])
    await expect(store.put(key, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_credentials" });
  expect(server.seen.map(isQuick)).toEqual([true, false, false]);
});

test("An upload that is stopped ends with the reason, and is not begun again", async () => {
  const stop = new AbortController();
  const { store, server } = await openAndLearn({
    misbehave: () => {
      stop.abort(new Error("enough"));
      return true;
    },
  });
  const put = store.put("b.png", BYTES, { ...putOptions(BYTES), signal: stop.signal });
  await expect(put).rejects.toThrow("enough");
  expect(server.seen.map(isQuick)).toEqual([true]);
});

test("Credentials that change are those of the next upload", async () => {
  let asked = 0;
  const expiration = new Date(0);
  const credentials = async () => ({ accessKeyId: `key${++asked}`, secretAccessKey: "secret", expiration });
  const { store, server } = await openAndLearn({}, { credentials: credentials as never });
  await store.put("b.png", BYTES, putOptions(BYTES));
  await store.put("c.png", BYTES, putOptions(BYTES));
  expect(server.seen.map(isQuick)).toEqual([true, true]);
  const [first, second] = server.seen.map((seen) => Number(scopeOf(seen).key?.slice(3)));
  expect(second).toBeGreaterThan(first ?? 0);
});
