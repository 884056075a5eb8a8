// The body of a GET. It must be read or destroyed, or its connection is lost to the pool.
import { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";

/** The bytes as a stream; leaving the loop destroys the connection. */
export async function* bodyOf(answer: GetObjectCommandOutput): AsyncIterable<Buffer> {
  // in Node it is an IncomingMessage; an empty object may come without one
  if (answer.Body !== undefined) yield* answer.Body as AsyncIterable<Buffer>;
}

/** All of the body. */
export async function collectBody(answer: GetObjectCommandOutput): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyOf(answer)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The body as a stream, which the caller must read to the end or destroy. */
export function streamOf(answer: GetObjectCommandOutput): Readable {
  return answer.Body instanceof Readable ? answer.Body : Readable.from([]);
}
