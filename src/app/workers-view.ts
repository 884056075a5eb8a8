// Who works: the workers on record, put together with the jobs that Redis says are in their hands.
import type { WorkerRecord } from "../catalog/calls/workers.ts";
import type { WorkerView } from "../output/report/status-view.ts";
import type { HeldJobs } from "../queue/counts.ts";

/**
 * Those that are alive, and those that are not but still hold jobs. `held` is undefined when Redis cannot be asked. Pure.
 *
 * | worker on record | holds jobs | shown |
 * |---|---|---|
 * | alive | – | yes |
 * | dead or stopped | yes | yes, not alive |
 * | dead or stopped | no | no |
 * | none of this id | yes | yes, not alive, by its id |
 */
export function toWorkerViews(records: readonly WorkerRecord[], held: HeldJobs | undefined): WorkerView[] {
  const known = new Set(records.map(({ id }) => id));
  const owners = held === undefined ? [] : [...new Set([...held.generate.keys(), ...held.archive.keys()])];
  const strangers = owners.filter((id) => !known.has(id)).map((id) => toStranger(id, held));
  const views = records.map((record) => toView(record, held));
  return [...views.filter((view) => view.alive || (view.generate ?? 0) + (view.archive ?? 0) > 0), ...strangers];
}

function toView({ id, host, version, last_seen, state, concurrency }: WorkerRecord, held?: HeldJobs): WorkerView {
  const seen = new Date(last_seen).toISOString();
  return { id, host, version, last_seen: seen, alive: state === "alive", ...heldBy(id, held), concurrency };
}

function toStranger(id: string, held?: HeldJobs): WorkerView {
  const unknown = { host: "unknown", version: "", last_seen: null, alive: false };
  return { id, ...unknown, ...heldBy(id, held), concurrency: { generate: 0, archive: 0 } };
}

function heldBy(id: string, held: HeldJobs | undefined): Pick<WorkerView, "generate" | "archive"> {
  if (held === undefined) return { generate: null, archive: null };
  return { generate: held.generate.get(id) ?? 0, archive: held.archive.get(id) ?? 0 };
}
