// What a person decides about a request that is there already: try it again, or let it go. All doors share it.

import type { App } from "./app.ts";
import { levelOf, toMessage } from "./errors.ts";
import type { RequestState } from "./pipeline/records.ts";
import { toJobId } from "./request/request-id.ts";
import { requeue } from "./submit.ts";
import { createAppNotifier } from "./webhook-stage.ts";

/** What became of a wish to retry. `pays`: the API is called for it; `again`: it was, or may have been, paid before. */
export type RetryEnd =
  | { retried: true; stage: "generate" | "archive"; pays: boolean; again: boolean; state: RequestState }
  | { retried: false; state: RequestState };

/** Retries a `failed` or `parked` request with all its attempts. Undefined for an unknown id. Throws when Redis is away. */
export async function retry(app: App, requestId: string): Promise<RetryEnd | undefined> {
  const queues = await app.queues();
  await queues.ping();
  const before = await app.catalog().find(requestId);
  if (before === undefined) return undefined;
  const done = await app.catalog().retry(requestId);
  const detail = (await app.catalog().find(requestId)) ?? before;
  const { state } = detail.request;
  if (done === undefined) return { retried: false, state };
  // it is on record: a Redis that fails just now is made good by the workers' upkeep
  await requeue(app, detail.request, done.stage).catch((error) =>
    app.log[levelOf(error)]({ error: toMessage(error) }, "recorded; the queue will hear of it later"),
  );
  const again = before.calls.some((call) => call.state === "answered" || call.state === "unknown");
  return { retried: true, ...done, again, state };
}

/** What became of a wish to cancel. One that is paid goes on: it is finished and archived. */
export type CancelEnd =
  | { cancelled: true; state: "cancelled" }
  | { cancelled: false; state: RequestState; paid: boolean };

/** Cancels a request that has cost nothing yet; once more is no error. Undefined for an unknown id. */
export async function cancel(app: App, requestId: string): Promise<CancelEnd | undefined> {
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
