// Jobs of the queue of webhooks, one for each event. The catalog holds the events; a job that is lost is put back.
import type { Job, Queue } from "bullmq";
import { RejectedError } from "../domain/errors.ts";
import { isAlive } from "./alive.ts";

/** Adds the jobs of events; one that is there already is left alone. Event ids are job ids: we make them ourselves. */
export async function addWebhookJobs(webhook: Queue, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length === 0) return;
  await webhook.addBulk(
    eventIds.map((event_id) => ({ name: "webhook", data: { event_id }, opts: { jobId: event_id } })),
  );
}

/** Puts back what the queue has lost of one page of pending events; returns how many. */
export async function reconcileWebhooks(webhook: Queue, page: readonly string[]): Promise<number> {
  const states = await Promise.all(page.map((eventId) => webhook.getJobState(eventId)));
  const lost = page.filter((_, index) => !isAlive(states[index]));
  // a finished job of the same id would make the new one a silent no-op
  await Promise.all(lost.map((eventId) => webhook.remove(eventId)));
  await addWebhookJobs(webhook, lost);
  return lost.length;
}

/** The event that a job is about. */
export function eventIdOf(job: Job): string {
  const id = (job.data as { event_id?: unknown } | null)?.event_id;
  if (typeof id === "string") return id;
  throw new RejectedError(`Cannot deliver job "${job.id}": event_id: wanted a string`, { code: "invalid_request" });
}
