// What a person decides about a request that is there already: try it again, or let it go. All doors share it.

import { levelOf, toMessage } from "../domain/errors.ts";
import { answerFileName } from "../domain/keys.ts";
import type { Call, RequestDetail, RequestState } from "../domain/records.ts";
import { toJobId } from "../domain/request/request-id.ts";
import { readBytes } from "../image-api/reading.ts";
import { toAnswerRecord } from "../pipeline/answer-record.ts";
import { missingIndexes } from "../pipeline/missing.ts";
import { createAppNotifier } from "../webhooks/stage.ts";
import { type App, createSpoolOf } from "./app.ts";
import { requeue } from "./submit.ts";

/** What became of a wish to retry. `pays`: the API is called for it; `again`: it was, or may have been, paid before. */
export type RetryResult =
  | { retried: true; stage: "generate" | "archive"; pays: boolean; again: boolean; state: RequestState }
  | { retried: false; state: RequestState };

/**
 * What came of reading kept answers again. `images`: how many were found; `missing`: how many the request still lacks.
 * Nothing is called, and nothing is paid.
 */
export interface RereadResult {
  reread: boolean;
  images: number;
  missing: number;
  state: RequestState;
  /** Why nothing was read; null where something was. */
  reason: string | null;
}

/** Reads the answers again that could not be read when they came, the newest first. Undefined for an unknown id. */
export async function reread(app: App, requestId: string): Promise<RereadResult | undefined> {
  const detail = await app.catalog().find(requestId);
  if (detail === undefined) return undefined;
  const kept = detail.calls.filter((call) => call.state === "unknown").toReversed();
  let reason = "no answer of it is kept in the spool of this machine";
  for (const call of kept) {
    const name = call.answer_file ?? answerFileName(call);
    const bytes = await createSpoolOf(app.settings).read(name);
    if (bytes === undefined) continue;
    const options = { nowMs: call.ended_at ?? call.sent_at, base: app.settings.imageApi.baseUrl, cut: true };
    const { reading } = readBytes(bytes, options);
    if (reading.kind === "answer") return keepReread(app, detail, { call, name, reading });
    reason = `${name} holds no images that this version can read`;
  }
  const { state } = detail.request;
  return { reread: false, images: 0, missing: missingIndexes(detail).length, state, reason };
}

interface Reread {
  call: Call;
  name: string;
  reading: Extract<ReturnType<typeof readBytes>["reading"], { kind: "answer" }>;
}

// the same order as at the call: bytes, record, then the queue
async function keepReread(app: App, before: RequestDetail, { call, name, reading }: Reread): Promise<RereadResult> {
  const { http_status, api_request_id } = call;
  const answer = { ...reading.answer, http_status: http_status ?? 200, api_request_id };
  const { urlLifetimeMs } = app.settings;
  const record = toAnswerRecord(before, { call, answer, urlLifetimeMs });
  const spool = createSpoolOf(app.settings);
  for (const { name: file, bytes } of record.spooled) await spool.write(file, bytes);
  const { request, ...detail } = await app.catalog().recordReread(call, record);
  await spool.remove(name);
  if (request.state === "copying")
    await requeue(app, request, "archive").catch((error) =>
      app.log[levelOf(error)]({ error: toMessage(error) }, "recorded, not enqueued yet; maintenance enqueues it"),
    );
  const missing = missingIndexes({ request, ...detail }).length;
  return { reread: true, images: record.images.length, missing, state: request.state, reason: null };
}

/** Retries a `failed` or `parked` request with all its attempts. Undefined for an unknown id. Throws when Redis is away. */
export async function retry(app: App, requestId: string): Promise<RetryResult | undefined> {
  const queues = await app.queues();
  await queues.ping();
  const before = await app.catalog().find(requestId);
  if (before === undefined) return undefined;
  const done = await app.catalog().retry(requestId);
  const detail = (await app.catalog().find(requestId)) ?? before;
  const { state } = detail.request;
  if (done === undefined) return { retried: false, state };
  // somebody has looked at what holds the calls: one of them may try
  const reopened = done.pays ? queues.gate.reset() : Promise.resolve();
  // it is on record: a Redis that fails just now is made good by the workers' upkeep
  await Promise.all([reopened, requeue(app, detail.request, done.stage)]).catch((error) =>
    app.log[levelOf(error)]({ error: toMessage(error) }, "recorded; the queue will hear of it later"),
  );
  const again = before.calls.some((call) => call.state === "answered" || call.state === "unknown");
  return { retried: true, ...done, again, state };
}

/** What became of a wish to cancel. One that is paid goes on: it is finished and archived. */
export type CancelResult =
  | { cancelled: true; state: "cancelled" }
  | { cancelled: false; state: RequestState; paid: boolean };

/** Cancels a request that has cost nothing yet; once more is no error. Undefined for an unknown id. */
export async function cancel(app: App, requestId: string): Promise<CancelResult | undefined> {
  const end = await app.catalog().cancel(requestId);
  if (end === undefined) return undefined;
  if (!end.cancelled && end.state !== "cancelled") return { cancelled: false, state: end.state, paid: end.paid };
  await passOn(app, requestId).catch((error) =>
    app.log[levelOf(error)]({ error: toMessage(error) }, "cancelled; the queues will hear of it later"),
  );
  return { cancelled: true, state: "cancelled" };
}

// a job that is just being worked on is locked and stays: its worker looks at the record before it spends anything
async function passOn(app: App, requestId: string): Promise<void> {
  const catalog = app.catalog();
  const detail = await catalog.find(requestId);
  if (detail === undefined) return;
  const queues = await app.queues();
  const ids = new Set([toJobId(requestId), detail.request.job_id]);
  await queues.removeGenerate([...ids]);
  await createAppNotifier(app, { catalog, queues }).notify(detail.request);
}
