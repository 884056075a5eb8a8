// What the baselines are made of: the plainest call of the API, and the plainest copy of an image: fetch, decode, put.
import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Agent, fetch } from "undici";
import { createInspector } from "../../src/image/inspect.ts";

/** With as many connections as jobs are in flight. */
export function createBareParts(concurrency: number) {
  // the same decode: what is compared is everything around it
  const inspect = createInspector();
  const s3 = new S3Client({
    region: "us-east-1",
    endpoint: process.env.AWS_ENDPOINT_URL_S3 ?? "",
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    requestHandler: { httpAgent: { maxSockets: concurrency * 2 }, httpsAgent: {} },
  });
  const dispatcher = new Agent({ connections: concurrency });

  async function call(prompt: string): Promise<string> {
    const response = await fetch(`${process.env.IMAGE_API_BASE_URL}/images/generations`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: JSON.stringify({ model: "Qwen/Qwen-Image", prompt }),
      dispatcher,
    });
    const { data } = (await response.json()) as { data: { url: string }[] };
    return data[0]?.url ?? "";
  }

  async function copy(url: string): Promise<void> {
    const response = await fetch(url, { dispatcher });
    const bytes = Buffer.from(await response.arrayBuffer());
    await inspect(bytes);
    const sha256 = createHash("sha256").update(bytes).digest();
    await s3.send(
      new PutObjectCommand({
        Bucket: "bench",
        Key: `images/${sha256.toString("hex")}.png`,
        Body: bytes,
        ContentType: "image/png",
        ChecksumAlgorithm: "SHA256",
        ChecksumSHA256: sha256.toString("base64"),
      }),
    );
  }

  return { call, copy };
}
