// The S3 store against servers that lie, fail, hang and refuse.
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Store } from "../../src/pipeline/ports.ts";
import { createS3Store, type S3StoreOptions } from "../../src/storage/s3.ts";
import { putOptions } from "./put-options.ts";
import { type Habits, md5Etag, type StandIn, sendError, startStandIn } from "./s3-stand-in.ts";

const KEY = "images/ab/abcd.png";
const BYTES = randomBytes(10_000);

const opened: { store: Store; server: StandIn }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const { store, server } of opened.splice(0)) {
    await store.close();
    await server.close();
  }
});

async function openOn(habits: Habits, options: Partial<S3StoreOptions> = {}) {
  const server = await startStandIn(habits);
  const store = createS3Store({
    endpoint: server.endpoint,
    bucket: "archive",
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    ...options,
  });
  opened.push({ store, server });
  return { store, server };
}

const flip = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]);
const methods = (server: StandIn) => server.seen.map(({ method }) => method).join(" ");

test.each([
  ["of the whole object", Buffer.from("ab".repeat(32), "hex").toString("base64"), "ab".repeat(32)],
  ["of an upload in parts", `${Buffer.from("ab".repeat(32), "hex").toString("base64")}-3`, undefined],
  ["of another length", Buffer.from("abcd", "hex").toString("base64"), undefined],
])("a HEAD asks for the checksum, and takes one %s as %#", async (_, checksum, digest) => {
  const { store, server } = await openOn({
    misbehave: (_, response) => {
      response.writeHead(200, { "content-length": 9, "x-amz-checksum-sha256": checksum }).end();
      return true;
    },
  });
  expect(await store.head(KEY)).toMatchObject({ bytes: 9, digest });
  expect(server.seen[0]).toMatchObject({ method: "HEAD", headers: { "x-amz-checksum-mode": "ENABLED" } });
});

describe("the proof that the bytes are there", () => {
  test.each<[string, Habits, string]>([
    ["an ETag that is the MD5 is proof enough", {}, "PUT"],
    ["an upper-case ETag without quotes counts as well", { etag: (b) => md5Etag(b).slice(1, -1).toUpperCase() }, "PUT"],
    ["an ETag of another form is followed by reading back", { etag: () => '"0123-2"' }, "PUT GET"],
    [
      "an ETag that only looks like an MD5 is followed by reading back",
      { etag: () => `"${"0".repeat(32)}"` },
      "PUT GET",
    ],
    ["no ETag is followed by reading back", { etag: () => undefined }, "PUT GET"],
  ])("%s", async (_, habits, expected) => {
    const { store, server } = await openOn(habits);
    await store.put(KEY, BYTES, putOptions(BYTES));
    expect(methods(server)).toBe(expected);
  });

  test.each<[string, Habits]>([
    ["truncated bytes and the MD5 of them", { keep: (b) => b.subarray(0, 5000) }],
    ["truncated bytes and an opaque ETag", { keep: (b) => b.subarray(0, 5000), etag: () => '"opaque"' }],
    ["corrupted bytes and the MD5 of them", { keep: flip }],
    ["corrupted bytes and no ETag", { keep: flip, etag: () => undefined }],
    ["nothing at all", { keep: () => Buffer.alloc(0), etag: () => undefined }],
  ])("a store that keeps %s is found out, although it echoes the checksum", async (_, habits) => {
    const { store } = await openOn(habits);
    const put = store.put(KEY, BYTES, putOptions(BYTES));
    await expect(put).rejects.toMatchObject({ name: "TransientError", code: "store_mismatch" });
  });
});

describe("what goes over the wire", () => {
  test("an upload is a plain body with its length, type and SHA-256", async () => {
    const { store, server } = await openOn({}, { prefix: "team" });
    const options = putOptions(BYTES);
    await store.put(KEY, BYTES, options);
    expect(server.seen[0]).toMatchObject({
      method: "PUT",
      path: `/archive/team/${KEY}`,
      body: BYTES,
      headers: {
        "content-length": "10000",
        "content-type": "image/png",
        "cache-control": options.cacheControl,
        "x-amz-sdk-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": Buffer.from(options.digest, "hex").toString("base64"),
        "x-amz-content-sha256": options.digest,
      },
    });
    expect(server.seen[0]?.headers.authorization).toContain("x-amz-content-sha256");
    expect(server.seen[0]?.headers["content-encoding"]).toBeUndefined();
  });

  test("the digest that is given is signed, not computed again", async () => {
    const { store, server } = await openOn({});
    const options = putOptions(Buffer.from("other bytes"));
    await store.put(KEY, BYTES, options);
    expect(server.seen[0]?.headers["x-amz-content-sha256"]).toBe(options.digest);
  });

  test.each([
    ["us-east-1 where none is set", undefined, "us-east-1"],
    ["the environment's", "eu-north-1", "eu-north-1"],
  ])("the region is %s", async (_, region, expected) => {
    for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) vi.stubEnv(name, "/nowhere");
    vi.stubEnv("AWS_REGION", region);
    const server = await startStandIn({});
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const store = createS3Store({ endpoint: server.endpoint, bucket: "archive", forcePathStyle: true, credentials });
    opened.push({ store, server });
    await store.put(KEY, BYTES, putOptions(BYTES));
    expect(server.seen[0]?.headers.authorization).toContain(`/${expected}/s3/`);
  });

  test("large uploads one after another share a connection", async () => {
    const { store, server } = await openOn({});
    const large = randomBytes(3 * 1024 * 1024);
    for (let round = 0; round < 4; round++) await store.put(KEY, large, putOptions(large));
    expect(server.connections()).toBe(1);
  });

  test("never more connections than maxSockets", async () => {
    const { store, server } = await openOn({}, { maxSockets: 4 });
    await Promise.all(Array.from({ length: 32 }, (_, index) => store.put(`${index}.png`, BYTES, putOptions(BYTES))));
    expect(server.connections()).toBeLessThanOrEqual(4);
    expect(server.objects.size).toBe(32);
  });
});

describe("a store in trouble", () => {
  test("a few 503 are ridden out", async () => {
    let left = 2;
    const { store, server } = await openOn({
      misbehave: (_, response) => left-- > 0 && sendError(response, 503, "SlowDown"),
    });
    await store.put(KEY, BYTES, putOptions(BYTES));
    expect(methods(server)).toBe("PUT PUT PUT");
  });

  test("503 without end is transient", async () => {
    const { store, server } = await openOn({ misbehave: (_, response) => sendError(response, 503, "SlowDown") });
    const put = store.put(KEY, BYTES, putOptions(BYTES));
    await expect(put).rejects.toMatchObject({ name: "TransientError", code: "store_busy" });
    expect(server.seen.length).toBe(3);
  });

  test("an HTML page of a proxy is transient", async () => {
    const { store } = await openOn(
      {
        misbehave: (_, response) =>
          Boolean(response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad</b>")),
      },
      { maxAttempts: 1 },
    );
    await expect(store.put(KEY, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_failed" });
    await expect(store.get(KEY)).rejects.toMatchObject({ name: "TransientError", code: "store_failed" });
  });

  test("a server that never answers runs into the timeout", async () => {
    const { store } = await openOn({ misbehave: () => true }, { requestTimeoutMs: 200, maxAttempts: 1 });
    const timeout = { name: "TransientError", code: "store_timeout" };
    await expect(store.put(KEY, BYTES, putOptions(BYTES))).rejects.toMatchObject(timeout);
    await expect(store.head(KEY)).rejects.toMatchObject(timeout);
  });

  test("a server that keeps the line busy and never answers runs into the timeout", async () => {
    const { store } = await openOn(
      {
        misbehave: (_, response) => {
          const busy = setInterval(() => response.writeProcessing(), 50);
          response.on("close", () => clearInterval(busy));
          return true;
        },
      },
      { requestTimeoutMs: 400, maxAttempts: 1 },
    );
    await expect(store.put(KEY, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_timeout" });
  });

  test("a body that stops half-way runs into the timeout", async () => {
    const { store } = await openOn(
      { misbehave: (_, response) => response.writeHead(200, { "content-length": 100 }).write("half") || true },
      { requestTimeoutMs: 200 },
    );
    await expect(store.get(KEY)).rejects.toMatchObject({ name: "TransientError", code: "store_timeout" });
  });

  test("a body that is cut off is an error, not a short object", async () => {
    const { store } = await openOn({
      misbehave: (_, response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.destroy());
        return true;
      },
    });
    await expect(store.get(KEY)).rejects.toMatchObject({ name: "TransientError", code: "store_unreachable" });
  });

  test("nobody there is transient, and says what to check", async () => {
    const { store, server } = await openOn({}, { maxAttempts: 1 });
    await server.close();
    const put = store.put(KEY, BYTES, putOptions(BYTES));
    await expect(put).rejects.toMatchObject({ name: "TransientError", code: "store_unreachable" });
    await expect(put).rejects.toThrow(/ECONNREFUSED.*AWS_ENDPOINT_URL_S3/);
    opened.splice(0);
  });

  test("an abort while the store hangs rejects at once with the reason", async () => {
    const aborter = new AbortController();
    const reason = new Error("enough");
    const { store } = await openOn({
      misbehave: () => {
        aborter.abort(reason);
        return true;
      },
    });
    const put = store.put(KEY, BYTES, { ...putOptions(BYTES), signal: aborter.signal });
    await expect(put).rejects.toBe(reason);
  });
});

describe("a store that refuses", () => {
  test("wrong keys are the operator's business, and nothing of the signature is kept", async () => {
    const signed =
      "<AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId><CanonicalRequest>x-amz-security-token:s3cr3t</CanonicalRequest>";
    const { store, server } = await openOn({
      misbehave: (_, response) => sendError(response, 403, "SignatureDoesNotMatch", signed),
    });
    const failure = await store.put(KEY, BYTES, putOptions(BYTES)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "ConfigError", code: "store_credentials" });
    expect(inspect(failure, { depth: 9 })).not.toMatch(/s3cr3t|AKIDEXAMPLE/);
    expect(server.seen.length).toBe(1);
  });

  test("403 for what is not there names the permission that hides it", async () => {
    const { store } = await openOn({ misbehave: (_, response) => sendError(response, 403, "AccessDenied") });
    const denied = {
      name: "ConfigError",
      code: "store_access_denied",
      message: expect.stringContaining("s3:ListBucket"),
    };
    await expect(store.get(KEY)).rejects.toMatchObject(denied);
    await expect(store.head(KEY)).rejects.toMatchObject(denied);
  });

  test("no object is undefined, no bucket is an error", async () => {
    let code = "NoSuchKey";
    const { store } = await openOn({ misbehave: (_, response) => sendError(response, 404, code) });
    expect(await store.get(KEY)).toBeUndefined();
    await store.delete(KEY);
    code = "NoSuchBucket";
    await expect(store.get(KEY)).rejects.toMatchObject({ name: "ConfigError", code: "store_bucket_missing" });
    await expect(store.put(KEY, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_bucket_missing" });
  });
});

describe("a store that does not take the checksum", () => {
  const refuse =
    (status: number, code: string): NonNullable<Habits["misbehave"]> =>
    ({ headers }, response) =>
      headers["x-amz-checksum-sha256"] !== undefined && sendError(response, status, code);

  test.each([
    [400, "InvalidArgument"],
    [400, "InvalidRequest"],
    [400, "NotImplemented"],
    [400, "BadRequest"],
    [400, "XAmzContentSHA256Mismatch"],
    [501, "NotImplemented"],
    [501, "Unknown"],
  ])("and says %i %s gets uploads without it, from then on at once", async (status, code) => {
    const { store, server } = await openOn({ misbehave: refuse(status, code) });
    for (const key of ["a.png", "b.png"]) await store.put(key, BYTES, putOptions(BYTES));
    expect(methods(server)).toBe("PUT PUT PUT");
    expect(server.seen.map(({ headers }) => "x-amz-checksum-sha256" in headers)).toEqual([true, false, false]);
    expect(server.seen.map(({ headers }) => "x-amz-sdk-checksum-algorithm" in headers)).toEqual([true, false, false]);
    expect(server.seen.every(({ headers }) => /^[0-9a-f]{64}$/.test(String(headers["x-amz-content-sha256"])))).toBe(
      true,
    );
  });

  test.each<[string, Habits]>([
    ["truncated bytes", { keep: (b) => b.subarray(0, 5000) }],
    ["corrupted bytes and no ETag", { keep: flip, etag: () => undefined }],
  ])("and keeps %s is found out all the same", async (_, habits) => {
    const { store } = await openOn({ ...habits, misbehave: refuse(501, "NotImplemented") });
    for (const key of ["a.png", "b.png"])
      await expect(store.put(key, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_mismatch" });
  });

  test("is proven by reading back where it gives no MD5", async () => {
    const { store, server } = await openOn({ etag: () => undefined, misbehave: refuse(400, "InvalidArgument") });
    await store.put(KEY, BYTES, putOptions(BYTES));
    expect(methods(server)).toBe("PUT PUT GET");
  });

  test("is not suspected where the bytes are not those of the digest", async () => {
    const { store, server } = await openOn({ misbehave: refuse(400, "XAmzContentSHA256Mismatch") });
    const put = store.put(KEY, BYTES, putOptions(Buffer.from("other bytes")));
    await expect(put).rejects.toMatchObject({ code: "store_mismatch" });
    expect(methods(server)).toBe("PUT");
  });

  test("is not blamed if the refusal persists, which is thrown unchanged", async () => {
    const { store, server } = await openOn({ misbehave: (_, response) => sendError(response, 400, "InvalidRequest") });
    for (const key of ["a.png", "b.png"])
      await expect(store.put(key, BYTES, putOptions(BYTES))).rejects.toMatchObject({ code: "store_refused" });
    expect(methods(server)).toBe("PUT PUT PUT PUT");
  });

  test.each([
    [400, "ExpiredToken"],
    [400, "AuthorizationHeaderMalformed"],
    [403, "AccessDenied"],
  ])("is another than one that says %i %s", async (status, code) => {
    const { store, server } = await openOn({ misbehave: (_, response) => sendError(response, status, code) });
    await expect(store.put(KEY, BYTES, putOptions(BYTES))).rejects.toMatchObject({ name: "ConfigError" });
    expect(methods(server)).toBe("PUT");
  });
});
