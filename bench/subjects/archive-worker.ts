// Ours: the real worker on requests that are answered and not archived yet. Reports images per second.
import type { OpenCatalog } from "../../src/catalog/catalog.ts";
import { parseSubmission, toRequest } from "../../src/domain/request/submission.ts";
import { createArchiveQueue } from "../../src/queue/archive-jobs.ts";
import { ownCost, report } from "../cost.ts";
import { createTally } from "./fill-queue.ts";
import { prepareWorker } from "./real-worker.ts";

const warmUp = Number(process.env.WARM_UP);
const count = Number(process.env.COUNT);
const tally = createTally();
const { app, settings, whileItRuns } = prepareWorker((step) => {
  if (step === "finish") tally.done();
});
const queues = await app.queues();
const archiveQueue = createArchiveQueue(queues.archive, settings.redisUrl);
const { origin } = new URL(settings.imageApi.baseUrl);
const expiresAt = Date.now() + settings.urlLifetimeMs;
const ids = Array.from({ length: warmUp + count }, (_, index) => `copy-${index}`);
await Promise.all(ids.map((id) => recordAnswer(app.catalog(), id)));

await whileItRuns(async () => {
  await add(ids.slice(0, warmUp));
  await tally.reaches(warmUp);
  const [begun, cost] = [performance.now(), ownCost().cpuSeconds];
  const added = add(ids.slice(warmUp));
  await tally.reaches(warmUp + count);
  const value = (count * 1000) / (performance.now() - begun);
  report({ value, cpuSeconds: ownCost().cpuSeconds - cost });
  await added;
});

async function add(some: string[]): Promise<void> {
  await Promise.all(some.map((request_id) => archiveQueue.add({ request_id, expiresAt, purpose: "copy" })));
}

// what the first stage leaves behind
async function recordAnswer(catalog: OpenCatalog, requestId: string): Promise<void> {
  const request = toRequest(parseSubmission({ prompt: requestId }), { requestId, random: Math.random });
  await catalog.accept(request, { jobId: requestId });
  const reservation = await catalog.reserveCall(requestId, { n: 1, seed: request.recipe.seed });
  if (reservation.kind !== "reserved") throw new Error(`Cannot prepare "${requestId}": ${reservation.kind}`);
  await catalog.answerCall(reservation.call, {
    answer: { created: Math.floor(Date.now() / 1000), images: [], usage: null, http_status: 200, api_request_id: null },
    images: [{ index: 0, url: `${origin}/${requestId}.png`, spool_file: null, expires_at: expiresAt }],
    expires_at: expiresAt,
    complete: true,
  });
}
