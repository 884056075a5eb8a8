// Putting bytes into S3, and the proof that they are there. The proof is the store's work on the bytes, never its echo.
import { createHash } from "node:crypto";
import type { PutObjectCommand, PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import { TransientError } from "../domain/errors.ts";
import type { PutOptions } from "../pipeline/ports.ts";
import { md5Of, measureBytes } from "./digest.ts";
import { bodyOf } from "./s3-body.ts";
import type { LoadedS3 } from "./s3-client.ts";
import { isChecksumMismatch, mayRefuseChecksum } from "./s3-errors.ts";

/** An upload whose digest is known. */
export interface Upload {
  Bucket: string;
  Key: string;
  bytes: Buffer;
  options: PutOptions;
}

/** What a store says to a PUT. */
interface PutAnswer {
  ETag?: string | undefined;
}

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
  const [answer, md5] = await Promise.all([putWithChecksum(s3, upload), md5Of(bytes)]);
  if (toPlainMd5(answer.ETag) === md5) return;
  const stored = await readBack(s3, target, options.signal);
  if (stored.bytes === bytes.length && stored.digest === options.digest) return;
  throw new TransientError(
    `Cannot put "${target.Key}" into bucket ${target.Bucket}: the store holds ${stored.bytes} bytes with digest ${stored.digest}, wanted ${bytes.length} with ${options.digest}`,
    { code: "store_mismatch" },
  );
}

/** Clients whose store has refused the checksum, and taken the same upload without it. */
const withoutChecksum = new WeakSet<S3Client>();

/** Whether the store behind a client refuses `x-amz-checksum-sha256`, as an upload has shown. */
export function refusesChecksum({ client }: LoadedS3): boolean {
  return withoutChecksum.has(client);
}

/**
 * Puts with the SHA-256 of the bytes. Some stores refuse that header (Backblaze B2, older ones of others): the upload is
 * tried once without it, and where that is taken the process leaves it out from then on. Nothing is lost by it: each
 * upload is confirmed by the MD5 or by reading back.
 */
export async function putWithChecksum(s3: LoadedS3, upload: Upload): Promise<PutAnswer> {
  if (refusesChecksum(s3)) return send(s3, upload, { checksum: false });
  try {
    return await send(s3, upload, { checksum: true });
  } catch (refusal) {
    if (!mayRefuseChecksum(refusal) || upload.options.signal?.aborted) throw refusal;
    // a store that checks has found other bytes than the digest's: only if they are the right ones it is the header's fault
    if (isChecksumMismatch(refusal) && !isDigestOf(upload)) throw refusal;
    const answer = await send(s3, upload, { checksum: false }).catch(() => {
      throw refusal;
    });
    withoutChecksum.add(s3.client);
    return answer;
  }
}

function isDigestOf({ bytes, options }: Upload): boolean {
  return createHash("sha256").update(bytes).digest("hex") === options.digest;
}

async function send(s3: LoadedS3, upload: Upload, { checksum }: { checksum: boolean }): Promise<PutAnswer> {
  const { digest, signal } = upload.options;
  const command = new s3.sdk.PutObjectCommand(toPutInput(upload, { checksum }));
  presetPayloadHash(command, digest);
  return s3.client.send(command, signal === undefined ? {} : { abortSignal: signal });
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

/** The input of an upload as every store takes it: a plain body of known length, with its SHA-256 where that is taken. */
export function toPutInput(
  { Bucket, Key, bytes, options }: Upload,
  { checksum }: { checksum: boolean },
): PutObjectCommandInput {
  const input: PutObjectCommandInput = {
    Bucket,
    Key,
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: options.contentType,
    CacheControl: options.cacheControl,
  };
  if (!checksum) return input;
  // both: Ceph 20 ignores the value without the algorithm
  return {
    ...input,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: Buffer.from(options.digest, "hex").toString("base64"),
  };
}

/** The MD5 an ETag holds, or undefined where it is none ("…-2" of a multipart upload, other forms). */
export function toPlainMd5(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}

async function readBack(s3: LoadedS3, target: { Bucket: string; Key: string }, signal: AbortSignal | undefined) {
  const command = new s3.sdk.GetObjectCommand(target);
  const answer = await s3.client.send(command, signal === undefined ? {} : { abortSignal: signal });
  return measureBytes(bodyOf(answer));
}
