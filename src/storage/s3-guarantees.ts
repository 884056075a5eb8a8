// Finds out with a probe object what an S3 store verifies. For doctor; the store adapter does not depend on it.
import { createHash } from "node:crypto";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { StoreGuarantees } from "./probe.ts";
import type { LoadedS3 } from "./s3-client.ts";
import { putWithChecksum, refusesChecksum, toPlainMd5, toPutInput } from "./s3-put.ts";

const BYTES = Buffer.from("asset-archiver asks what this store checks\n");

/** Writes `Key` three times; the caller deletes it. Throws the SDK's errors. */
export async function probeGuarantees(
  s3: LoadedS3,
  object: { Bucket: string; Key: string; signal: AbortSignal | undefined },
): Promise<StoreGuarantees> {
  const { signal, ...target } = object;
  const options = { contentType: "text/plain", digest: hexDigest("sha256", BYTES), ...(signal && { signal }) };
  const upload = { ...target, bytes: BYTES, options };
  const plain = await putWithChecksum(s3, upload);
  const checksum = !refusesChecksum(s3);
  const put = (over: Partial<PutObjectCommandInput>) => {
    const command = new s3.sdk.PutObjectCommand({ ...toPutInput(upload, { checksum }), ...over });
    return s3.client.send(command, signal === undefined ? {} : { abortSignal: signal });
  };
  const wrongChecksum = Buffer.from(hexDigest("sha256", Buffer.from("other bytes")), "hex").toString("base64");
  return {
    etag_is_md5: toPlainMd5(plain.ETag) === hexDigest("md5", BYTES),
    checksum_enforced: checksum && (await isRefused(put({ ChecksumSHA256: wrongChecksum }), [400])),
    conditional_put: await isRefused(put({ IfNoneMatch: "*" }), [412]),
    ...(checksum ? {} : { checksum_refused: true as const }),
  };
}

// 501 refuses the header itself, which is not a guarantee
async function isRefused(answer: Promise<unknown>, statuses: readonly number[]): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (thrown) {
    const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status !== undefined && statuses.includes(status)) return true;
    if (status === 501) return false;
    throw thrown;
  }
}

function hexDigest(algorithm: "sha256" | "md5", bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("hex");
}
