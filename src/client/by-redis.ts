// A client straight to the queue. It knows what the jobs know: enough to hand over and to wait, not enough to intervene.
import { RejectedError, TransientError } from "../domain/errors.ts";
import { toJobId } from "../domain/request/request-id.ts";
import type { RequestView } from "../output/report/request-view.ts";
import { findSubmitted, getJobStatus, type JobStatus } from "../queue/job-status.ts";
import { addRequest, addRequests } from "../queue/produce.ts";
import type { Queues } from "../queue/queues.ts";
import { type Sent, sendBulk } from "./bulk.ts";
import type { BulkResult, Client, KnownRequest, RedisClientOptions } from "./contract.ts";
import { contentOf, type Prepared, prepare, toPreparedError } from "./prepare.ts";
import { createRedisLink } from "./redis-link.ts";
import { hasStopped, waitUntilEnded } from "./wait.ts";

/** The queues' default prefix, as in QUEUE_PREFIX. */
const DEFAULT_PREFIX = "{asset-archiver}";

/** Connects at the first use. */
export function createRedisClient({ redisUrl, queuePrefix: prefix = DEFAULT_PREFIX }: RedisClientOptions): Client {
  const link = createRedisLink({ redisUrl, prefix });
  const within = link.use;
  return {
    enqueue: async (request, { signal } = {}) => {
      const prepared = prepare(request);
      signal?.throwIfAborted();
      const conflict = await within(async ({ generate }) => {
        await addRequest(generate, prepared);
        // a fresh id meets nobody
        return request.request_id === undefined ? undefined : findConflict(generate, prepared);
      });
      if (conflict !== undefined) throw conflict;
      const known =
        request.request_id === undefined ? undefined : await within((open) => getJobStatus(open, prepared.request_id));
      return known === undefined ? toQueued(prepared.request_id) : toFound(prepared.request_id, known);
    },
    enqueueBulk: (requests, options = {}) =>
      sendBulk(requests, options, (chunk) => within(({ generate }) => sendChunk(generate, chunk))),
    get: async (requestId, { signal } = {}) => {
      signal?.throwIfAborted();
      const known = await within((open) => getJobStatus(open, requestId));
      return known && toFound(requestId, known);
    },
    wait: (requestId, options = {}) => {
      const look = createLook(requestId, () => within((open) => getJobStatus(open, requestId)));
      const pause = (round: number, signal: AbortSignal) =>
        within(async (open) => open.hints().next(toJobId(requestId), { timeoutMs: pauseMs(round), signal }));
      return waitUntilEnded(requestId, options, { look, pause });
    },
    cancel: async () => needsHttp("cancel a request"),
    retry: async () => needsHttp("retry a request"),
    // biome-ignore lint/correctness/useYield: it has to reject when it is read, as the other way does
    find: async function* (): AsyncGenerator<RequestView, void, void> {
      needsHttp("find requests");
    },
    fetchAsset: async () => needsHttp("fetch an asset"),
    streamAsset: async () => needsHttp("fetch an asset"),
    close: () => link.close(),
  };
}

/** Looks come quickly at first; the hints make up for the long pauses later. In ms. */
function pauseMs(round: number): number {
  return Math.min(2_000, 100 * 2 ** Math.min(round, 5));
}

function needsHttp(what: string): never {
  const message = `Cannot ${what} with Redis alone: the catalog decides; connect with createClient({ url }) to a server`;
  throw new RejectedError(message, { code: "needs_http" });
}

/** So many looks in a row find nothing before it is believed: a job that is put back is gone for a moment. */
const LOOKS_AT_NOTHING = 3;

function createLook(requestId: string, lookUpNow: () => Promise<JobStatus | undefined>) {
  let nothing = 0;
  return async (): Promise<KnownRequest | undefined> => {
    const known = await lookUpNow();
    nothing = known === undefined || known.vanished ? nothing + 1 : 0;
    if (nothing >= LOOKS_AT_NOTHING) throw notFound(requestId, known);
    return known !== undefined && hasStopped(known.state) ? toFound(requestId, known) : undefined;
  };
}

function notFound(requestId: string, known: JobStatus | undefined): RejectedError {
  const why =
    known === undefined
      ? "Redis holds no job of it: it was never added, was cancelled, or ended long ago"
      : "it was generated, and Redis has forgotten how its copying ended";
  return new RejectedError(`Cannot wait for request "${requestId}": ${why}; a server's catalog knows`, {
    code: "request_not_found",
  });
}

async function findConflict(generate: Queues["generate"], prepared: Prepared): Promise<RejectedError | undefined> {
  const theirs = contentOf(await findSubmitted(generate, prepared.request_id));
  // a job that only refers to the catalog tells nothing: the worker finds out
  if (theirs === undefined || theirs === contentOf(prepared)) return undefined;
  const message = `Cannot accept request "${prepared.request_id}": another request holds this id, with other content; wanted the same content or a new id`;
  return new RejectedError(message, { code: "request_id_conflict" });
}

async function sendChunk(generate: Queues["generate"], chunk: readonly Sent[]): Promise<BulkResult[]> {
  const lost = await addRequests(
    generate,
    chunk.map(({ prepared }) => prepared),
  );
  if (lost.size > 0) {
    throw new TransientError(`Redis did not take ${lost.size} of ${chunk.length} jobs`, { code: "redis_refused_job" });
  }
  return Promise.all(chunk.map((sent) => toResult(generate, sent)));
}

async function toResult(generate: Queues["generate"], { index, prepared }: Sent): Promise<BulkResult> {
  const { request_id } = prepared;
  const conflict = await findConflict(generate, prepared);
  if (conflict === undefined) return { index, ok: true, request_id, state: null, assets: null };
  return toPreparedError(conflict, { index, request_id });
}

function toQueued(requestId: string): KnownRequest {
  return { request_id: requestId, state: "queued", error: null, recipe_id: null, assets: null };
}

function toFound(requestId: string, { state, error, recipe_id, seed, assets }: JobStatus): KnownRequest {
  return { request_id: requestId, state, error, recipe_id, ...(seed === null ? {} : { seed }), assets };
}
