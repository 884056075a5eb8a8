// The cases are well formed: each can be chosen, and each row is read off a subject that its case has.
import { expect, test } from "vitest";
import type { Case } from "../../bench/case.ts";
import { copyDelay } from "../../bench/cases/copy-delay.ts";
import { copyRate } from "../../bench/cases/copy-rate.ts";
import { memory, memoryOverTime } from "../../bench/cases/memory.ts";
import { pipelineRate } from "../../bench/cases/pipeline-rate.ts";
import { utilisation } from "../../bench/cases/utilisation.ts";
import { CASES } from "../../bench/cases.ts";

test("Cases and rows have names of their own", () => {
  const names = CASES.map(({ name }) => name);
  const rows = CASES.flatMap((one) => one.rows.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(rows).size).toBe(rows.length);
});

/** Those of the worker, which do nothing but ask for servers when they are opened. */
const OF_THE_WORKER: Case[] = [utilisation, pipelineRate, copyRate, copyDelay, memory, memoryOverTime];

test.each(OF_THE_WORKER)("The rows of $name are read off subjects that it has", async (one) => {
  const lab = { serve: async () => 1, run: async () => ({}) };
  const subjects = Object.keys(await one.open(lab as never));
  const wanted = one.rows.flatMap(({ ours, baseline = {} }) => [
    ours?.of ?? "ours",
    ...(baseline === "none" ? [] : [baseline.of ?? "baseline"]),
  ]);
  expect([...new Set(wanted)].sort()).toEqual(subjects.sort());
});
