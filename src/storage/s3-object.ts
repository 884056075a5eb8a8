// One object of any bucket as a stream: for a manifest that lies in S3. Not the store, which has keys and digests of its own.
import { ConfigError } from "../domain/errors.ts";
import { bodyOf } from "./s3-body.ts";
import { loadS3, type S3ClientOptions } from "./s3-client.ts";
import { isMissingObject, toS3Error } from "./s3-errors.ts";

/** How to reach S3, and when to stop. */
export interface ReadS3ObjectOptions extends S3ClientOptions {
  signal?: AbortSignal | undefined;
}

/**
 * The bytes of `s3://bucket/key`. Nothing is asked before the first piece is; leaving the loop closes the connection.
 * Throws ConfigError `object_unreadable` for what is not there, and the store's own errors for the rest.
 */
export async function* readS3Object(url: string, options: ReadS3ObjectOptions = {}): AsyncGenerator<Uint8Array> {
  const { signal, ...clientOptions } = options;
  const { bucket, key } = parseObjectUrl(url);
  signal?.throwIfAborted();
  const { sdk, client } = await loadS3(clientOptions);
  try {
    const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key });
    yield* bodyOf(await client.send(command, signal === undefined ? {} : { abortSignal: signal }));
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    if (isMissingObject(thrown)) throw unreadable(url, "there is no such object", thrown);
    throw toS3Error(thrown, { verb: "get", key, bucket });
  } finally {
    client.destroy();
  }
}

function parseObjectUrl(url: string): { bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([^/?#@:]+)\/(.+)$/i.exec(url) ?? [];
  if (bucket === undefined || key === undefined) throw unreadable(url, "wanted s3://bucket/key");
  return { bucket, key };
}

function unreadable(url: string, reason: string, cause?: unknown): ConfigError {
  // keys that somebody put before the bucket are no part of a message
  const shown = url.replace(/^(s3:\/\/)[^/]*@/i, "$1");
  return new ConfigError(`Cannot read "${shown}": ${reason}`, { code: "object_unreadable", cause });
}
