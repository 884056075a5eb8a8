// Events for webhooks: written in the transaction that ends a request, so that no kill and no empty Redis loses one.
import { createHash } from "node:crypto";
import type { RequestDetail, Webhook, WebhookEvent } from "../../domain/records.ts";
import type { CatalogContext } from "../context.ts";
import { and, asc, count, eq, gt, sql } from "../db/orm.ts";
import { webhooks } from "../schema/requests.ts";

const PAGE = 500;

/** Writes down that a request with a `webhook_url` has ended. */
export function recordWebhook(context: CatalogContext, requestId: string, event: WebhookEvent): void {
  const { before } = context.db
    .select({ before: count() })
    .from(webhooks)
    .where(eq(webhooks.request_id, requestId))
    .get() as { before: number };
  const number = before + 1;
  const now = context.now();
  context.db
    .insert(webhooks)
    .values({
      event_id: toEventId(requestId, number, now),
      request_id: requestId,
      number,
      event,
      state: "pending",
      created_at: now,
    })
    .run();
}

// A hash and not the request's id itself: what a caller wrote may hold a ".", with which the signed content could be
// cut in other places (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
// The time is in it for a catalog that was rebuilt, which counts from 1 again.
function toEventId(...parts: (string | number)[]): string {
  return `msg_${createHash("sha256").update(parts.join("/")).digest("hex").slice(0, 32)}`;
}

/** An event and the request it is about, as it is now; undefined where there is none. */
export function findWebhook(
  context: CatalogContext,
  eventId: string,
): { webhook: Webhook; detail: RequestDetail } | undefined {
  const webhook = context.db.select().from(webhooks).where(eq(webhooks.event_id, eventId)).get();
  if (webhook === undefined) return undefined;
  return { webhook, detail: context.reader.detail(webhook.request_id) as RequestDetail };
}

/** How a try to deliver ended. One that failed may be tried again (`pending`) or not (`failed`). */
export type Delivered = { state: "delivered" } | { state: "pending" | "failed"; error: string };

/** Counts a try. An event that has been delivered stays so. */
export function recordDelivery(context: CatalogContext, eventId: string, end: Delivered): void {
  const delivered = end.state === "delivered";
  context.db
    .update(webhooks)
    .set({
      state: end.state,
      attempts: sql`${webhooks.attempts} + 1`,
      last_error: end.state === "delivered" ? null : end.error,
      delivered_at: delivered ? context.now() : null,
    })
    .where(and(eq(webhooks.event_id, eventId), eq(webhooks.state, "pending")))
    .run();
}

/** Makes the events of a request that were given up pending again, with all their tries; returns their ids. */
export function resendWebhooks(context: CatalogContext, requestId: string): string[] {
  return context.db
    .update(webhooks)
    .set({ state: "pending", attempts: 0 })
    .where(and(eq(webhooks.request_id, requestId), eq(webhooks.state, "failed")))
    .returning({ event_id: webhooks.event_id })
    .all()
    .map(({ event_id }) => event_id);
}

/** Events that are still to be delivered, for putting back into the queue what it has lost. Pages of ids. */
export function* listPendingWebhooks(context: CatalogContext): Generator<string[]> {
  let after = "";
  for (;;) {
    const page = context.db
      .select({ event_id: webhooks.event_id })
      .from(webhooks)
      .where(and(eq(webhooks.state, "pending"), gt(webhooks.event_id, after)))
      .orderBy(asc(webhooks.event_id))
      .limit(PAGE)
      .all()
      .map((row) => row.event_id);
    if (page.length > 0) yield page;
    after = page.at(-1) ?? "";
    if (page.length < PAGE) return;
  }
}
