// Assets over HTTP: their list, and their bytes, whole, in parts, not again, from elsewhere, and to slow readers.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Asset } from "../../src/domain/records.ts";
import { assetDetailSchema, assetPageSchema } from "../../src/server/schemas.ts";
import { startS3Server } from "../support/s3-server.ts";
import { errorOf, openServed, type Served } from "./support.ts";

async function archive({ app }: Pick<Served, "app">, bytes: Buffer, index = 0): Promise<Asset> {
  const digest = createHash("sha256").update(bytes).digest("hex");
  const key = `images/${digest.slice(0, 2)}/${digest}.png`;
  const asset: Asset = {
    digest,
    key,
    bytes: bytes.length,
    content_type: "image/png",
    width: 8,
    height: 8,
    archived_at: 1_700_000_000_000,
  };
  await app.store().put(key, bytes, { contentType: "image/png", digest });
  await app.catalog().recordAsset({ request_id: "r", index }, { ...asset, phash: "0123456789abcdef" });
  return asset;
}

async function openWithAsset(settings: Record<string, string> = {}) {
  const served = await openServed(settings);
  const bytes = randomBytes(1000);
  const asset = await archive(served, bytes);
  return { ...served, bytes, asset, path: `/v1/assets/${asset.digest}/content` };
}

describe("the bytes", () => {
  test("come whole, with a tag that is their digest, to be kept for ever", async () => {
    const { ask, bytes, asset, path } = await openWithAsset();
    const answer = await ask(path);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": "1000",
      etag: `"${asset.digest}"`,
      "accept-ranges": "bytes",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.any(String),
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test.each([
    ["bytes=0-99", 206, 0, 99],
    ["bytes=900-", 206, 900, 999],
    ["bytes=-1", 206, 999, 999],
    ["bytes=0-5000", 206, 0, 999],
    ["bytes=1-2,5-6", 200, 0, 999],
    ["nonsense", 200, 0, 999],
  ])("come in parts: %s is %i", async (range, status, start, end) => {
    const { ask, bytes, path } = await openWithAsset();
    const answer = await ask(path, { headers: { range } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-range")).toBe(status === 206 ? `bytes ${start}-${end}/1000` : null);
    expect(answer.headers.get("content-length")).toBe(String(end - start + 1));
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test("a part behind the end is 416 and says how many there are", async () => {
    const { ask, path } = await openWithAsset();
    const answer = await ask(path, { headers: { range: "bytes=1000-" } });
    expect(answer.status).toBe(416);
    expect(answer.headers.get("content-range")).toBe("bytes */1000");
    expect(await errorOf(answer)).toMatchObject({ code: "range_not_satisfiable" });
  });

  test("If-Range with another tag gets everything", async () => {
    const { ask, asset, path } = await openWithAsset();
    const status = async (tag: string) =>
      (await ask(path, { headers: { range: "bytes=0-9", "if-range": tag } })).status;
    expect(await status(`"${asset.digest}"`)).toBe(206);
    expect(await status('"other"')).toBe(200);
  });

  test("a reader who has them is told so", async () => {
    const { ask, asset, path } = await openWithAsset();
    const answer = await ask(path, { headers: { "if-none-match": `W/"${asset.digest}"` } });
    expect(answer.status).toBe(304);
    expect(answer.headers.get("etag")).toBe(`"${asset.digest}"`);
    expect(await answer.text()).toBe("");
    expect((await ask(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("HEAD tells everything but the bytes", async () => {
    const { ask, asset, path } = await openWithAsset();
    const answer = await ask(path, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-length")).toBe("1000");
    expect(answer.headers.get("etag")).toBe(`"${asset.digest}"`);
    expect(await answer.text()).toBe("");
  });

  test("that the store has lost are an error that says so", async () => {
    const { ask, app, asset, path } = await openWithAsset();
    await app.store().delete(asset.key);
    const answer = await ask(path);
    expect(answer.status).toBe(500);
    expect(await errorOf(answer)).toMatchObject({ code: "asset_missing", param: asset.digest });
  });

  test("with tokens are kept by nobody else", async () => {
    const { ask, path } = await openWithAsset({ API_TOKENS: "token-a" });
    const answer = await ask(path, { headers: { authorization: "Bearer token-a" } });
    expect(answer.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    await answer.arrayBuffer();
  });
});

describe("slow and vanishing readers", () => {
  const SIZE = 48 * 1024 * 1024;
  const READERS = 12;

  test("hold connections and no memory, and those who go give everything back", async () => {
    const served = await openServed();
    const { digest } = await archive(served, randomBytes(SIZE));
    const before = process.memoryUsage();
    const answers = await Promise.all(
      Array.from({ length: READERS }, () => startReading(served, `/v1/assets/${digest}/content`)),
    );
    // each has its head, and reads no further
    const held = process.memoryUsage();
    const grown = held.rss + held.arrayBuffers - before.rss - before.arrayBuffers;
    expect(grown).toBeLessThan((READERS * SIZE) / 4);
    for (const answer of answers.slice(1)) answer.destroy();
    const [patient] = answers;
    let bytes = 0;
    for await (const piece of patient ?? []) bytes += (piece as Buffer).length;
    expect(bytes).toBe(SIZE);
  });
});

async function startReading({ url }: Served, path: string): Promise<IncomingMessage> {
  const request = httpRequest(url + path, { agent: false });
  request.end();
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.on("error", () => undefined);
  onTestFinished(() => void answer.destroy());
  await once(answer, "readable");
  return answer;
}

describe("the list", () => {
  test("pages come newest first, and an asset names its requests", async () => {
    const served = await openServed();
    const made: string[] = [];
    for (let index = 0; index < 5; index++) made.push((await archive(served, randomBytes(50))).digest);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = `limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const page: ReturnType<typeof assetPageSchema.parse> = assetPageSchema.parse(
        await (await served.ask(`/v1/assets?${query}`)).json(),
      );
      seen.push(...page.data.map((asset) => asset.digest));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(made.reverse());
  });

  test("an asset shared by two requests names both", async () => {
    const { post, ask, app } = await openServed();
    const { request_id, digest } = await archiveRequest({ post, app });
    const detail = assetDetailSchema.parse(await (await ask(`/v1/assets/${digest}`)).json());
    expect(detail).toMatchObject({
      digest,
      content_url: `/v1/assets/${digest}/content`,
      images: [{ request_id, index: 0 }],
    });
  });
});

async function archiveRequest({ post, app }: Pick<Served, "post" | "app">) {
  const { request_id } = (await (await post("/v1/requests", { prompt: "a fox" })).json()) as { request_id: string };
  const catalog = app.catalog();
  const reserved = await catalog.reserveCall(request_id, { n: 1, seed: 1 });
  if (reserved.kind !== "reserved") throw new Error("not reserved");
  const answer = { created: 1_700_000_000, images: [], usage: null, http_status: 200, api_request_id: null };
  const images = [{ index: 0, url: "https://example.com/1.png", spool_file: null, expires_at: 1_800_000_000_000 }];
  await catalog.answerCall(reserved.call, { answer, images, expires_at: null, complete: true });
  const bytes = randomBytes(20);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const asset = {
    digest,
    key: `images/${digest}.png`,
    bytes: 20,
    content_type: "image/png" as const,
    width: 1,
    height: 1,
    archived_at: 1,
    phash: "0123456789abcdef",
  };
  await catalog.recordAsset({ request_id, index: 0 }, asset);
  return { request_id, digest };
}

test("with ASSET_REDIRECT and a bucket readers are sent there, and the address works without a token", async () => {
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const before = { ...process.env };
  onTestFinished(() => void Object.assign(process.env, before));
  // the SDK's own settings come from the environment
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    AWS_REGION: s3.region,
  });
  const { ask, bytes, path } = await openWithAsset({
    STORAGE_URL: `s3://${s3.bucket}/some/prefix`,
    S3_FORCE_PATH_STYLE: "true",
    ASSET_REDIRECT: "true",
  });
  const answer = await ask(path, { redirect: "manual" });
  expect(answer.status).toBe(302);
  expect(answer.headers.get("cache-control")).toBe("private, max-age=450");
  const location = new URL(answer.headers.get("location") ?? "");
  expect(location.origin).toBe(s3.endpoint);
  expect(location.searchParams.get("X-Amz-Expires")).toBe("900");
  expect(Buffer.from(await (await fetch(location)).arrayBuffer()).equals(bytes)).toBe(true);
});

test("a bucket without ASSET_REDIRECT is read through the server, in parts too", async () => {
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const before = { ...process.env };
  onTestFinished(() => void Object.assign(process.env, before));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    AWS_REGION: s3.region,
  });
  const { ask, bytes, path } = await openWithAsset({ STORAGE_URL: `s3://${s3.bucket}`, S3_FORCE_PATH_STYLE: "true" });
  expect(Buffer.from(await (await ask(path)).arrayBuffer()).equals(bytes)).toBe(true);
  const part = await ask(path, { headers: { range: "bytes=10-19" } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
});

test("the thumbnail of an asset is small, and made of the original where there is none yet", async () => {
  const served = await openServed();
  const noise = { type: "gaussian" as const, mean: 128, sigma: 30 };
  const create = { width: 640, height: 320, channels: 3 as const, background: "#888", noise };
  const { digest } = await archive(served, await sharp({ create }).png().toBuffer());
  const answer = await served.ask(`/v1/assets/${digest}/thumbnail`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(answer.headers.get("cache-control")).toBe("public, max-age=86400");
  const made = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  expect(made).toMatchObject({ format: "webp", width: 424, height: 212 });
});

test("there is no thumbnail of an image that the store has lost or that shows nothing", async () => {
  const served = await openServed();
  const { digest } = await archive(served, randomBytes(100));
  const answer = await served.ask(`/v1/assets/${digest}/thumbnail`);
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ error: { code: "asset_missing", param: digest } });
  expect((await served.ask(`/v1/assets/${"0".repeat(64)}/thumbnail`)).status).toBe(404);
});
