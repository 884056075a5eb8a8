// The life of one delivery: the event is read from the catalog, sent, and what came of it is written down.
// At least once: a process that dies between the two sends it again, under the same id.
import { ArchiverError, TransientError } from "../domain/errors.ts";
import type { RequestDetail, Webhook } from "../domain/records.ts";
import type { LinkAsset } from "../output/report/asset-links.ts";
import type { Clock, Log } from "../pipeline/ports.ts";
import type { Outcome } from "../pipeline/verdict.ts";
import { toWebhookMessage } from "./message.ts";
import { webhookDelayMs } from "./schedule.ts";
import type { SendEnd, Sender } from "./sender.ts";

/** What the catalog gives. */
export interface WebhookRecord {
  findWebhook(eventId: string): { webhook: Webhook; detail: RequestDetail } | undefined;
  recordDelivery(
    eventId: string,
    end: { state: "delivered" } | { state: "pending" | "failed"; error: string },
  ): Promise<void>;
}

export interface WebhookPorts {
  catalog: WebhookRecord;
  sender: Sender;
  secrets: readonly string[];
  /** The addresses of the images. */
  link: LinkAsset;
  clock: Clock;
  random: () => number;
  log: Log;
}

export interface WebhookResult {
  event_id: string;
  state: Webhook["state"];
}

/** Tries once to deliver an event. One that has been settled is left alone. */
export async function deliverWebhook(
  { eventId, signal }: { eventId: string; signal: AbortSignal },
  ports: WebhookPorts,
): Promise<Outcome<WebhookResult>> {
  const found = ports.catalog.findWebhook(eventId);
  const url = found?.detail.request.webhook_url;
  if (found === undefined || url === null || url === undefined) {
    const message = `Cannot deliver event "${eventId}": the catalog does not know it; was it moved or restored?`;
    return { kind: "rejected", error: new ArchiverError(message, { code: "unknown_event" }) };
  }
  const { webhook } = found;
  if (webhook.state !== "pending") return { kind: "done", result: { event_id: eventId, state: webhook.state } };
  const message = toWebhookMessage(found, { secrets: ports.secrets, link: ports.link, nowMs: ports.clock.now() });
  const end = await ports.sender.send(url, message, { signal });
  // told to stop: this was no try of the receiver's making
  if (end.kind === "failed" && signal.aborted) return again(0, end.error);
  return settle(webhook, end, ports);
}

async function settle(webhook: Webhook, end: SendEnd, ports: WebhookPorts): Promise<Outcome<WebhookResult>> {
  const { event_id, request_id } = webhook;
  const attempt = webhook.attempts + 1;
  if (end.kind === "delivered") {
    await ports.catalog.recordDelivery(event_id, { state: "delivered" });
    ports.log.debug({ request_id, event_id, attempt }, "webhook delivered");
    return { kind: "done", result: { event_id, state: "delivered" } };
  }
  const { error } = end;
  const retryAfterMs = end.kind === "failed" ? end.retryAfterMs : undefined;
  const delayMs = end.kind === "refused" ? undefined : webhookDelayMs(attempt, { random: ports.random, retryAfterMs });
  const state = delayMs === undefined ? "failed" : "pending";
  await ports.catalog.recordDelivery(event_id, { state, error });
  // each try stands in the record: that it was given up is news
  ports.log[delayMs === undefined ? "warn" : "debug"](
    { request_id, event_id, attempt, delay_ms: delayMs ?? null },
    error,
  );
  if (delayMs !== undefined) return again(delayMs, error);
  return { kind: "exhausted", error: new ArchiverError(error, { code: "webhook_failed" }) };
}

function again(delayMs: number, error: string): Outcome<WebhookResult> {
  return { kind: "retry", delayMs, error: new TransientError(error, { code: "webhook_failed" }) };
}
