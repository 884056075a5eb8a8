// Items of a manifest on their way into the catalog, in the form in which they are kept on disk and pass from thread to thread,
// and what is told of them on the way back.
import type { Request } from "../../domain/request/submission.ts";
import { type StoredRequest, toStoredRequest } from "../requests/insert.ts";

/** One item: what it asks for, and its place in the manifest, from 1. */
export interface BatchItem {
  request: Request;
  item: number;
  /** The line of the manifest on which it begins, from 1. */
  line?: number;
  /** The manifest has the very same request further up. */
  isDuplicate?: boolean;
  /** The request that this one is to be compared with. */
  reproduces?: string;
}

/** An item as the insert binds it: of a million items nothing is put together twice. */
export type EncodedItem = readonly [
  item: number,
  line: number | null,
  isDuplicate: boolean,
  request: StoredRequest,
  reproduces?: string,
];

/** The form in which an item is written. */
export function encodeItem({ request, item, line, isDuplicate = false, reproduces }: BatchItem): EncodedItem {
  const stored = toStoredRequest(request);
  return reproduces === undefined
    ? [item, line ?? null, isDuplicate, stored]
    : [item, line ?? null, isDuplicate, stored, reproduces];
}

const LINE_END = 10;

/** The items whose JSON stands on these lines. One by one: each has been recorded and forgotten before the next is made. */
export function* decodeItems(lines: Uint8Array): Generator<EncodedItem> {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  let from = 0;
  for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, from)) {
    yield JSON.parse(bytes.toString("utf8", from, end));
    from = end + 1;
  }
}

/**
 * What became of an item.
 *
 * | its id in the catalog | taken | job |
 * |---|---|---|
 * | (the manifest has it further up) | duplicate | – |
 * | unknown | accepted | generate |
 * | this batch's, the same item | ours (an earlier reading took it) | where it is unfinished |
 * | this batch's, another item | duplicate | – |
 * | this batch's, inherited from an earlier night | accepted | where it is unfinished |
 * | archived | existing | – |
 * | failed, cancelled | retried | generate, or archive where its images can still be fetched |
 * | unfinished in another batch | accepted: it moves to this one | generate |
 * | parked, being copied, or asked for on its own | elsewhere | – |
 * | other content under the same id | conflict | – |
 */
export type ItemOutcome = "accepted" | "ours" | "duplicate" | "existing" | "retried" | "elsewhere" | "conflict";

export interface ItemResult {
  request_id: string;
  item: number;
  as: ItemOutcome;
  /** The queue in which it belongs now; null where it needs no job. */
  job: "generate" | "archive" | null;
  /** Whether the catalog knew it already: then an old job may stand in the way of a new one. */
  known: boolean;
}

/** What is to be done after a chunk was taken. */
export interface Accepted {
  /** The ids of those that are new and want their first job. */
  fresh: string[];
  /** Those that were known before and want a job. */
  known: ItemResult[];
}

/** Of a chunk what is to be done: a thousand ids pass from thread to thread more cheaply than a thousand records. */
export function toAccepted(taken: readonly ItemResult[]): Accepted {
  const wanted = taken.filter(({ job }) => job !== null);
  return {
    fresh: wanted.filter(({ known }) => !known).map(({ request_id }) => request_id),
    known: wanted.filter(({ known }) => known),
  };
}
