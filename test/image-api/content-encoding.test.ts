import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodeContent } from "../../src/image-api/content-encoding.ts";

const BODY = Buffer.from("\x89PNG and so on", "latin1");
const decode = (body: Buffer, encoding: string | string[] | undefined, maxBytes = 100_000) =>
  decodeContent(body, { encoding, maxBytes });

test.each<[string | string[] | undefined, Buffer]>([
  [undefined, BODY],
  ["identity", BODY],
  ["gzip", gzipSync(BODY)],
  ["X-GZip", gzipSync(BODY)],
  ["br", brotliCompressSync(BODY)],
  ["zstd", zstdCompressSync(BODY)],
  ["deflate", deflateSync(BODY)],
  ["deflate", deflateRawSync(BODY)],
  ["gzip, br", brotliCompressSync(gzipSync(BODY))],
  [["gzip", "br"], brotliCompressSync(gzipSync(BODY))],
  ["gzip, aws-chunked", gzipSync(BODY)],
  [undefined, gzipSync(BODY)],
  ["aws-chunked", gzipSync(BODY)],
])("%s is undone", async (encoding, body) => {
  expect(await decode(body, encoding)).toEqual({ bytes: BODY });
});

// the header is a hint; whether these bytes are an image is seen where they are decoded
test.each([
  "gzip",
  "gzip, br",
  "aws-chunked",
  "UTF-8",
  "none",
  "binary",
  "base64",
  "zstd-2",
  ",",
  "constructor",
  "x,".repeat(999),
])("%s that was not applied is ignored", async (encoding) => {
  expect(await decode(BODY, encoding)).toEqual({ bytes: BODY });
});

test("gzip cut short is passed on as it came", async () => {
  const cut = gzipSync(BODY).subarray(0, -4);
  expect(await decode(cut, "gzip")).toEqual({ bytes: cut });
});

test.each<[string | undefined, Buffer]>([
  ["gzip", gzipSync(Buffer.alloc(200_000))],
  [undefined, gzipSync(Buffer.alloc(200_000))],
  ["br", brotliCompressSync(Buffer.alloc(200_000))],
  ["zstd", zstdCompressSync(Buffer.alloc(200_000))],
])("%s that unpacks to more than the cap is refused", async (encoding, body) => {
  expect(await decode(body, encoding)).toEqual({ fault: "too_large" });
});
