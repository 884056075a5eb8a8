// The workers as lines of `status`. Pure.

import { noWorker } from "../app/wait-reasons.ts";
import { formatDuration } from "../domain/units.ts";
import type { StatusView, WorkerView } from "../output/report/status-view.ts";
import { plain } from "./text.ts";

/** How many are alive, then a line for each: host, version, last sign of life, and what it holds. */
export function workerLines({ workers = [], last_worker_seen = null }: StatusView, now: number): string[] {
  const alive = workers.filter((worker) => worker.alive).length;
  const head = alive === 0 ? noWorker(workers, { last_worker_seen, now }) : `${alive} running`;
  return [`workers   ${head}`, ...workers.map((worker) => workerLine(worker, now))];
}

function workerLine({ id, host, version, last_seen, alive, generate, archive, concurrency }: WorkerView, now: number) {
  const seen =
    last_seen === null ? "never seen" : `seen ${formatDuration(Math.max(0, now - Date.parse(last_seen)))} ago`;
  const held = (jobs: number | null, of: number) => (jobs === null ? "?" : of === 0 ? `${jobs}` : `${jobs} of ${of}`);
  const jobs = `generate ${held(generate, concurrency.generate)}  archive ${held(archive, concurrency.archive)}`;
  const facts = [plain(host), version === "" ? "" : `v${version}`, id.slice(0, 8), seen, jobs];
  const state = alive ? "" : "DEAD: another worker takes its jobs over";
  return `  ${[...facts, state].filter((fact) => fact !== "").join("  ")}`;
}
