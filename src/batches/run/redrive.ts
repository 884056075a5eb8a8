// Trying the failed items of a batch again, as many as there are.
import type { App } from "../../app/app.ts";
import { forgetEndJobs, putBackJobs } from "../../queue/batch-jobs.ts";

export interface Redriven {
  /** Items that were brought back, and how many of them will be called (and paid) for. */
  items: number;
  pays: number;
}

/** Brings back the failed (and, where asked for, the parked) items of a batch. A finished batch runs again. */
export async function redriveBatch(
  app: App,
  batchId: string,
  states: readonly ("failed" | "parked")[],
): Promise<Redriven> {
  const catalog = app.catalog();
  const queues = await app.queues();
  const { redisUrl } = app.settings;
  await queues.ping();
  // somebody has looked at what holds the calls: one of them may try
  await queues.gate.reset();
  const done: Redriven = { items: 0, pays: 0 };
  for (const page of catalog.batches.listItems(batchId, states)) {
    const ends = await Promise.all(page.map(({ request_id }) => catalog.retry(request_id)));
    const back = page.flatMap((request, index) => {
      const end = ends[index];
      if (end === undefined) return [];
      done.items += 1;
      done.pays += end.pays ? 1 : 0;
      return { ...request, state: end.stage === "archive" ? ("copying" as const) : ("queued" as const) };
    });
    await forgetEndJobs(queues, back, redisUrl);
    await putBackJobs(queues, back, redisUrl);
  }
  return done;
}
