// Putting bytes into S3, and the proof that they are there. The proof is the store's work on the bytes, never its echo.
import type { PutObjectCommand, PutObjectCommandInput } from "@aws-sdk/client-s3";
import { TransientError } from "../errors.ts";
import { md5Of, measure } from "./digest.ts";
import { bodyOf } from "./s3-body.ts";
import type { LoadedS3 } from "./s3-client.ts";
import { learnWay, putQuickly, type Upload } from "./s3-quick-put.ts";

/**
 * Uploads, then confirms. Overwrites what is there: keys made of a digest get the same bytes again, and a plain PUT costs
 * one round trip where asking first costs two.
 *
 * | the answer to the PUT | proof |
 * |---|---|
 * | ETag is the MD5 of our bytes | confirmed: we never sent an MD5, so the store made it of what it received |
 * | ETag is anything else or missing (SSE-KMS, SSE-C, other stores) | read back: size and SHA-256 decide |
 * | `x-amz-checksum-sha256` comes back | nothing: Ceph 16 and 18 take a wrong one without a word |
 *
 * Throws a TransientError `store_mismatch` when the store holds something else.
 */
export async function putConfirmed(s3: LoadedS3, upload: Upload): Promise<void> {
  const { bytes, options, ...target } = upload;
  const [answer, md5] = await Promise.all([send(s3, upload), md5Of(bytes)]);
  if (toPlainMd5(answer.ETag) === md5) return;
  const held = await readBack(s3, target, options.signal);
  if (held.bytes === bytes.length && held.digest === options.digest) return;
  throw new TransientError(
    `Cannot put "${target.Key}" into bucket ${target.Bucket}: the store holds ${held.bytes} bytes with digest ${held.digest}, wanted ${bytes.length} with ${options.digest}`,
    { code: "store_mismatch" },
  );
}

/**
 * Spares the SDK hashing the body again for the signature: of the 75 ms of CPU that 8 MB cost, 24 remain. The store
 * checks this header against the body, and the signature covers it.
 */
function presetPayloadHash(command: PutObjectCommand, digest: string): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      (args.request as { headers: Record<string, string> }).headers["x-amz-content-sha256"] = digest;
      return next(args);
    },
    { step: "build", name: "presetPayloadHash" },
  );
}

/** The input of an upload as every store takes it: a plain body of known length with its SHA-256. */
export function toPutInput({ Bucket, Key, bytes, options }: Upload): PutObjectCommandInput {
  return {
    Bucket,
    Key,
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: options.contentType,
    CacheControl: options.cacheControl,
    // both: Ceph 20 ignores the value without the algorithm
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: Buffer.from(options.digest, "hex").toString("base64"),
  };
}

async function send({ sdk, client }: LoadedS3, upload: Upload): Promise<{ ETag?: string | undefined }> {
  const quick = await putQuickly(client, upload);
  if (quick !== undefined) return quick;
  const command = new sdk.PutObjectCommand(toPutInput(upload));
  const { digest, signal } = upload.options;
  presetPayloadHash(command, digest);
  learnWay(client, command, upload);
  return client.send(command, signal === undefined ? {} : { abortSignal: signal });
}

/** The MD5 an ETag holds, or undefined where it is none ("…-2" of a multipart upload, other forms). */
export function toPlainMd5(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}

async function readBack(s3: LoadedS3, target: { Bucket: string; Key: string }, signal: AbortSignal | undefined) {
  const command = new s3.sdk.GetObjectCommand(target);
  const answer = await s3.client.send(command, signal === undefined ? {} : { abortSignal: signal });
  return measure(bodyOf(answer));
}
