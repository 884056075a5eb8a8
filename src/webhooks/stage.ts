// Webhooks put together: who hurries an event into its queue, and the worker that sends it.
import type { App } from "../app/app.ts";
import type { OpenCatalog } from "../catalog/catalog.ts";
import type { Notifier } from "../pipeline/ports.ts";
import { reached } from "../queue/connection.ts";
import type { Queues } from "../queue/queues.ts";
import { addWebhookJobs } from "../queue/webhook-jobs.ts";
import { runWebhookWorker, type StageOptions, type StageWorker } from "../queue/workers.ts";
import { deliverWebhook } from "./deliver.ts";
import { createNotifier } from "./notifier.ts";
import { createSender } from "./sender.ts";

/** So many messages are on their way at once: a slow receiver holds up to that many places for 15 s. */
const CONCURRENCY = 32;

/** What tells the queue of webhooks that a request has ended. */
export function createAppNotifier(
  { log, settings }: App,
  { catalog, queues }: { catalog: OpenCatalog; queues: Queues },
): Notifier {
  return createNotifier({
    catalog,
    add: (eventIds) => reached(settings.redisUrl, () => addWebhookJobs(queues.webhook, eventIds)),
    log,
  });
}

/** Runs the queue of webhooks until it is closed. */
export function runWebhookStage(
  app: App,
  { catalog, shared }: { catalog: OpenCatalog; shared: Omit<StageOptions, "concurrency"> },
): StageWorker {
  const { settings, log, clock } = app;
  const { secrets, privateHosts } = settings.webhooks;
  const sender = createSender({ privateHosts, proxy: settings.proxy });
  app.onClose(() => sender.close());
  const link = app.linksAt();
  // a key that cannot be used is found at the start, and not by the first message
  link("0".repeat(64));
  let warned = false;
  return runWebhookWorker({ ...shared, concurrency: CONCURRENCY }, (delivery) => {
    if (secrets.length === 0 && !warned) {
      warned = true;
      log.warn({}, "webhooks go out unsigned: WEBHOOK_SECRET is not set");
    }
    return deliverWebhook(delivery, { catalog, sender, secrets, link, clock, random: Math.random, log });
  });
}
