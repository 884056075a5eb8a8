// The S3 store on the server that runs inside the tests, and on a real one where S3_TEST_ENDPOINT names it.
import { randomBytes } from "node:crypto";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createS3Store } from "../../src/storage/s3.ts";
import { findRealBucket, type S3TestBucket, type S3TestServer, startS3Server } from "../support/s3-server.ts";
import { putOptions } from "./put-options.ts";
import { describeStore, keysOf, type StoreUnderTest } from "./store-suite.ts";

describeStore("S3 store on the server inside the tests", async () => {
  const server = await startS3Server();
  return underTest(server, { prefix: "some/prefix", close: server.close });
});

describeStore("S3 store without a prefix", async () => {
  const server = await startS3Server();
  return underTest(server, { prefix: "", close: server.close });
});

const real = await findRealBucket();
if (real === undefined) {
  // not a skip: which servers exist is the tester's choice
  test("a real S3 server is tested where S3_TEST_ENDPOINT is set", () =>
    expect(process.env.S3_TEST_ENDPOINT ?? "").toBe(""));
} else {
  describeStore(`S3 store at ${real.endpoint}`, async () =>
    underTest(real, { prefix: `run-${randomBytes(4).toString("hex")}`, close: async () => {} }),
  );
}

describe("the requests to S3", () => {
  let server: S3TestServer;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.close());

  test("a presigned address gives the bytes to anybody, for as long as was said", async () => {
    const store = createS3Store({ ...server, prefix: "team/b" });
    const bytes = randomBytes(3000);
    await store.put("images/ab/abcd.png", bytes, putOptions(bytes));
    const address = await store.presign?.("images/ab/abcd.png", { expiresMs: 90_000 });
    expect(new URL(address ?? "").searchParams.get("X-Amz-Expires")).toBe("90");
    const answer = await fetch(address ?? "");
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    await store.close();
  });

  test("objects stand under their promised keys with type, cache control and checksum", async () => {
    const store = createS3Store({ ...server, prefix: "team/a" });
    const bytes = randomBytes(3000);
    const options = putOptions(bytes, "image/webp");
    await store.put("images/ab/abcd.webp", bytes, options);
    const client = new S3Client(server);
    const answer = await client.send(
      new GetObjectCommand({ Bucket: server.bucket, Key: "team/a/images/ab/abcd.webp", ChecksumMode: "ENABLED" }),
    );
    expect(answer).toMatchObject({
      ContentType: "image/webp",
      CacheControl: "public, max-age=31536000, immutable",
      ContentLength: 3000,
      ChecksumSHA256: Buffer.from(options.digest, "hex").toString("base64"),
    });
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    client.destroy();
    await store.close();
  });

  test("a HEAD tells the digest that the store keeps, and none where the object was put without", async () => {
    const store = createS3Store(server);
    const bytes = randomBytes(3000);
    const options = putOptions(bytes);
    await store.put("images/ab/known.png", bytes, options);
    expect((await store.head("images/ab/known.png"))?.digest).toBe(options.digest);
    const client = new S3Client({ ...server, requestChecksumCalculation: "WHEN_REQUIRED" });
    const plain = { Bucket: server.bucket, Key: "images/ab/plain.png", Body: bytes, ContentLength: 3000 };
    await client.send(new PutObjectCommand(plain));
    expect(await store.head("images/ab/plain.png")).toMatchObject({ bytes: 3000, digest: undefined });
    client.destroy();
    await store.close();
  });

  test("a prefix hides what stands beside it", async () => {
    const bytes = Buffer.from("x");
    const one = createS3Store({ ...server, prefix: "one" });
    const other = createS3Store({ ...server, prefix: "one-more" });
    await one.put("a.png", bytes, putOptions(bytes));
    await other.put("b.png", bytes, putOptions(bytes));
    expect(await keysOf(one, "")).toEqual(["a.png"]);
    expect(await one.get("b.png")).toBeUndefined();
    expect(one.locate("a.png")).toBe("s3://archive/one/a.png");
    await one.close();
    await other.close();
  });

  test("closing an unused store, and closing twice, is fine", async () => {
    const store = createS3Store(server);
    await store.close();
    await store.close();
  });
});

function underTest(
  place: S3TestBucket,
  { prefix, close }: { prefix: string; close: () => Promise<void> },
): StoreUnderTest {
  const store = createS3Store({ ...place, prefix });
  const client = new S3Client({ ...place, requestChecksumCalculation: "WHEN_REQUIRED" });
  return {
    store,
    async tamper(key, bytes) {
      const Key = prefix === "" ? key : `${prefix}/${key}`;
      await client.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body: bytes, ContentLength: bytes.length }));
    },
    async close() {
      client.destroy();
      await store.close();
      await close();
    },
  };
}
