// A client that speaks HTTP to an `asset-archiver serve`, which knows everything. No queue and no database is loaded.
import { TransientError } from "../domain/errors.ts";
import type { RequestState } from "../domain/records.ts";
import type { AssetView } from "../output/report/asset-links.ts";
import type { RequestView } from "../output/report/request-view.ts";
import type { StatusView, WaitReason } from "../output/report/status-view.ts";
import { type Sent, sendBulk } from "./bulk.ts";
import type { BulkError, BulkResult, CallOptions, FindFilter, HttpClient, HttpClientOptions } from "./contract.ts";
import { fetchAsset, streamAsset } from "./fetch-asset.ts";
import { cancelByHttp, retryByHttp } from "./http-decisions.ts";
import { createSend, parseReply, type Reply, type Send } from "./http-exchange.ts";
import { prepare } from "./prepare.ts";
import { requireEnd, waitUntilEnded } from "./wait.ts";

/** Throws ConfigError for an address that is none; connects at the first use. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const send = createSend(options);
  return {
    enqueue: async (request, { signal } = {}) => {
      const body = { type: "application/json" as const, text: JSON.stringify(prepare(request)) };
      const exchange = { method: "POST" as const, path: "v1/requests", body, signal };
      return patiently(async () => parseReply<RequestView>(await send(exchange)), signal);
    },
    enqueueBulk: (requests, options = {}) =>
      sendBulk(requests, options, (chunk) => sendChunk(send, chunk, options.signal)),
    get: async (requestId, { signal } = {}) => toFound(await getRequest(send, requestId, { signal })),
    wait: (requestId, options = {}) =>
      waitUntilEnded(requestId, options, {
        look: async (signal) =>
          requireEnd(requestId, toFound(await getRequest(send, requestId, { signal, waits: true }))),
        // the server has waited already; one that is stopping, or gone, is not to be besieged
        pause: (_, signal) => sleep(LOOK_AGAIN_MS, signal).catch(() => undefined),
      }),
    cancel: (requestId, options = {}) => cancelByHttp(send, requestId, options),
    retry: (requestId, options = {}) => retryByHttp(send, requestId, options),
    find: (filter = {}, options = {}) => findAll(send, filter, options),
    fetchAsset: (asset, fetching) => fetchAsset(options, asset, fetching),
    streamAsset: (asset, fetching) => streamAsset(options, asset, fetching),
    status: async ({ signal } = {}) => parseReply<StatusView>(await send({ method: "GET", path: "v1/status", signal })),
    explainWait: async (requestId, { signal } = {}) => {
      const path = `v1/requests/${encodeURIComponent(requestId)}/waiting`;
      return parseReply<{ reasons: WaitReason[] }>(await send({ method: "GET", path, signal })).reasons;
    },
    // connections that idle are let go of by themselves
    close: async () => undefined,
  };
}

/** Tries behind the scenes, and the pauses between them in ms: with an id in the body a repeat is harmless. */
const PAUSES_MS = [200, 800];

async function patiently<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await sleep(pauseMs, signal);
    }
  }
  return work();
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
  signal?.throwIfAborted();
}

const LOOK_AGAIN_MS = 250;

/** How long the server is asked to wait before it answers, in s and ms. */
const SERVER_WAIT = { query: "25s", ms: 25_000 };

function getRequest(
  send: Send,
  requestId: string,
  { signal, waits = false }: { signal: AbortSignal | undefined; waits?: boolean },
): Promise<Reply> {
  const path = `v1/requests/${encodeURIComponent(requestId)}`;
  const waiting = waits ? { query: { wait: SERVER_WAIT.query }, extraMs: SERVER_WAIT.ms } : {};
  return send({ method: "GET", path, signal, expect: [404], ...waiting });
}

function toFound(reply: Reply): RequestView | undefined {
  const found = parseReply<RequestView>(reply);
  return reply.status === 404 ? undefined : found;
}

/** A line of the bulk's answer: `line` counts from 1. */
interface BulkLine {
  line: number;
  state?: RequestState;
  assets?: AssetView[];
  error?: { code: string; message: string; type: string; faults?: BulkError["faults"] };
}

/** A chunk may take so much longer than one request, in ms. */
const BULK_EXTRA_MS = 60_000;

function sendChunk(send: Send, chunk: readonly Sent[], signal: AbortSignal | undefined): Promise<BulkResult[]> {
  const text = chunk.map(({ prepared }) => `${JSON.stringify(prepared)}\n`).join("");
  const body = { type: "application/x-ndjson" as const, text };
  const exchange = { method: "POST" as const, path: "v1/requests/bulk", body, signal, extraMs: BULK_EXTRA_MS };
  return patiently(async () => {
    const byLine = toLines(await send(exchange));
    return chunk.map((sent, order) => toResult(sent, byLine.get(order + 1)));
  }, signal);
}

function toLines({ status, text }: Reply): Map<number, BulkLine> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => parseReply<BulkLine>({ status, text: line })).map((one) => [one.line, one]));
}

// what the server has not answered for, or could not do just now, is no refusal: the whole chunk goes out again
function toResult({ index, prepared }: Sent, line: BulkLine | undefined): BulkResult {
  if (line === undefined)
    throw new TransientError("The server's answer to a bulk is cut short", { code: "bad_answer" });
  const { request_id } = prepared;
  if (line.error === undefined)
    return { index, ok: true, request_id, state: line.state ?? "queued", assets: line.assets ?? null };
  const { code, message, type, faults = [] } = line.error;
  if (type === "server_error") throw new TransientError(message, { code });
  return { index, ok: false, request_id, error: { code, message, faults } };
}

async function* findAll(
  send: Send,
  filter: FindFilter,
  { signal }: CallOptions,
): AsyncGenerator<RequestView, void, void> {
  let cursor: string | undefined;
  do {
    const query = { ...filter, limit: 100, cursor };
    const page = parseReply<{ data: RequestView[]; next_cursor: string | null }>(
      await send({ method: "GET", path: "v1/requests", query, signal }),
    );
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
