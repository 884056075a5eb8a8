// Tells the webhook of a batch that it has come to rest: at least once for each rest, signed like every webhook of ours.
import { createHash } from "node:crypto";
import type { App } from "../app/app.ts";
import { urlBelow } from "../app/asset-links.ts";
import { writeBatchSidecar } from "../batches/run/report.ts";
import type { Batch } from "../domain/batch.ts";
import { withoutLinks } from "../output/report/asset-links.ts";
import { signMessage } from "./message.ts";
import { webhookDelayMs } from "./schedule.ts";
import { createSender, type Sender } from "./sender.ts";

/** Whoever tries is believed for so long, in ms: more than a sender takes. */
const TRY_MS = 60_000;

/**
 * Tries to tell one batch's webhook what is owed to it, where that is due. Its connections are opened at first use.
 * Whoever calls it waits for it before the catalog is closed, or aborts the signal and waits then.
 */
export function createBatchWebhookDelivery(app: App): (batch: Batch, signal?: AbortSignal) => Promise<void> {
  let sender: Sender | undefined;
  return async (batch, signal = new AbortController().signal) => {
    const { webhook_url: url, reported: rest } = batch;
    if (url === null || rest === null || rest === batch.notified_key) return;
    const attempt = await app.catalog().batches.claimNotification(batch.batch_id, app.clock.now() + TRY_MS);
    if (attempt === undefined) return;
    sender ??= openSender(app);
    await tryTo(app, { batch, url, rest, attempt, sender, signal });
  };
}

interface Try {
  batch: Batch;
  url: string;
  rest: string;
  attempt: number;
  sender: Sender;
  /** Aborted when this process stops. */
  signal: AbortSignal;
}

async function tryTo(app: App, { batch, url, rest, attempt, sender, signal }: Try): Promise<void> {
  const { batches } = app.catalog();
  const { batch_id } = batch;
  const { secrets } = app.settings.webhooks;
  const message = signMessage(await toMessage(app, batch, rest), { secrets, nowMs: app.clock.now() });
  const end = await sender.send(url, message, { signal });
  if (end.kind === "delivered") {
    await noteTold(app, batch_id, rest);
    app.log.info({ batch_id, attempt }, "webhook of a batch delivered");
    return;
  }
  // told to stop: this was no try of the receiver's making, and whoever looks next sends it
  if (end.kind === "failed" && signal.aborted) return batches.scheduleRetry(batch_id, app.clock.now());
  const retryAfterMs = end.kind === "failed" ? end.retryAfterMs : undefined;
  const delayMs = end.kind === "refused" ? undefined : webhookDelayMs(attempt, { random: Math.random, retryAfterMs });
  app.log.warn({ batch_id, attempt, delay_ms: delayMs ?? null }, end.error);
  if (delayMs === undefined) await noteTold(app, batch_id, rest);
  else await batches.scheduleRetry(batch_id, app.clock.now() + delayMs);
}

// the sidecar says so, too: a rebuilt catalog must not tell it once more
async function noteTold(app: App, batchId: string, rest: string): Promise<void> {
  await app.catalog().batches.markNotified(batchId, rest);
  await writeBatchSidecar(app, batchId);
}

/** A message names at most this many images. */
const IMAGES_NAMED = 200;

/** The report, where its page is, and the first images. The same id for every try of the same rest. */
async function toMessage(app: App, batch: Batch, rest: string): Promise<{ id: string; body: string }> {
  const hash = createHash("sha256").update(`${batch.batch_id}/${rest}`).digest("hex");
  const event = rest.startsWith("finished:") ? (batch.state === "cancelled" ? "cancelled" : "finished") : "held";
  const report = batch.report_key === null ? null : app.store().locate(batch.report_key);
  const timestamp = new Date(batch.reported_at ?? batch.created_at).toISOString();
  const { publicUrl } = app.settings.http;
  const report_url = publicUrl === undefined ? null : urlBelow(publicUrl, `/batches/${batch.batch_id}`);
  const data = { ...(batch.result as object | null), report, report_url, assets: await listAssets(app, batch) };
  return { id: `msg_${hash.slice(0, 32)}`, body: JSON.stringify({ type: `batch.${event}`, timestamp, data }) };
}

async function listAssets(app: App, { batch_id }: Batch) {
  const { batches, edits } = app.catalog();
  const link = app.linksAt();
  const images = await batches.firstImages(batch_id, IMAGES_NAMED);
  return images.map(({ request_id, index, digest, key, content_type, width, height }) => {
    const links = (edits.isErased(digest) ? withoutLinks : link)(digest);
    return { request_id, index, digest, key, content_type, width, height, ...links };
  });
}

function openSender(app: App): Sender {
  const { webhooks, proxy } = app.settings;
  const sender = createSender({ privateHosts: webhooks.privateHosts, proxy });
  app.onClose(() => sender.close());
  return sender;
}
