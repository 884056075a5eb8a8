// A bulk in chunks: one chunk is read, sent and answered before the next one is touched. That is all the back-pressure.
import { RejectedError } from "../domain/errors.ts";
import type { SubmissionInput } from "../domain/request/submission-input.ts";
import type { BulkOptions, BulkResult } from "./contract.ts";
import { type Entry, type Prepared, toEntry } from "./prepare.ts";

const CHUNK_SIZE = 500;
const CHUNK_MAX = 1000;

/** A request on its way, with its place in the bulk. */
export interface Sent {
  index: number;
  prepared: Prepared;
}

/** Sends one chunk and resolves to a result for each, in any order. */
export type SendChunk = (chunk: readonly Sent[]) => Promise<BulkResult[]>;

/** The results of all requests, in their order. */
export async function* sendBulk(
  requests: Iterable<SubmissionInput> | AsyncIterable<SubmissionInput>,
  options: BulkOptions,
  send: SendChunk,
): AsyncGenerator<BulkResult, void, void> {
  const size = options.chunkSize ?? CHUNK_SIZE;
  if (!Number.isInteger(size) || size < 1 || size > CHUNK_MAX) {
    const message = `chunkSize: wanted a whole number from 1 to ${CHUNK_MAX}, got ${size}`;
    throw new RejectedError(message, { code: "invalid_request" });
  }
  let chunk: Entry[] = [];
  let index = 0;
  for await (const request of requests) {
    options.signal?.throwIfAborted();
    chunk.push(toEntry(request, index++));
    if (chunk.length < size) continue;
    yield* await sendChunk(chunk, send);
    chunk = [];
  }
  options.signal?.throwIfAborted();
  if (chunk.length > 0) yield* await sendChunk(chunk, send);
}

async function sendChunk(chunk: readonly Entry[], send: SendChunk): Promise<BulkResult[]> {
  const sent = chunk.flatMap((entry) => ("prepared" in entry ? [entry] : []));
  const refused = chunk.flatMap((entry) => ("refused" in entry ? [entry.refused] : []));
  const answered = sent.length === 0 ? [] : await send(sent);
  return [...answered, ...refused].sort((a, b) => a.index - b.index);
}
