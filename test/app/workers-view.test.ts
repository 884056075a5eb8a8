// Which workers are shown, and what each holds.
import { expect, test } from "vitest";
import { toWorkerViews } from "../../src/app/workers-view.ts";
import type { WorkerRecord } from "../../src/catalog/calls/workers.ts";

const base = { host: "h", pid: 1, version: "1.0.0", started_at: 0, concurrency: { generate: 16, archive: 8 } };
const record = (id: string, state: WorkerRecord["state"]): WorkerRecord => ({ ...base, id, state, last_seen: 1_000 });
const shown = { host: "h", version: "1.0.0", last_seen: "1970-01-01T00:00:01.000Z", concurrency: base.concurrency };

const held = (generate: Record<string, number>, archive: Record<string, number> = {}) => ({
  generate: new Map(Object.entries(generate)),
  archive: new Map(Object.entries(archive)),
});

test.each([
  ["alive, idle", [record("a", "alive")], held({}), [{ id: "a", alive: true, generate: 0, archive: 0, ...shown }]],
  [
    "alive, busy",
    [record("a", "alive")],
    held({ a: 3 }, { a: 2 }),
    [{ id: "a", alive: true, generate: 3, archive: 2, ...shown }],
  ],
  [
    "dead, with jobs",
    [record("d", "dead")],
    held({ d: 16 }),
    [{ id: "d", alive: false, generate: 16, archive: 0, ...shown }],
  ],
  ["dead, without jobs", [record("d", "dead")], held({}), []],
  ["stopped", [record("s", "stopped")], held({}), []],
  [
    "not on record, with jobs",
    [],
    held({ x: 1 }),
    [
      {
        id: "x",
        host: "unknown",
        version: "",
        last_seen: null,
        alive: false,
        generate: 1,
        archive: 0,
        concurrency: { generate: 0, archive: 0 },
      },
    ],
  ],
  [
    "alive, Redis away",
    [record("a", "alive")],
    undefined,
    [{ id: "a", alive: true, generate: null, archive: null, ...shown }],
  ],
  ["dead, Redis away", [record("d", "dead")], undefined, []],
])("%s", (_, records, jobs, views) => {
  expect(toWorkerViews(records, jobs)).toEqual(views);
});
