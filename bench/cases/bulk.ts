// A manifest into the queue by the command `bulk`, beside bare `addBulk` from memory; and what reading a long one weighs.
import { buildPackage } from "../build.ts";
import type { Case } from "../case.ts";
import type { Lab } from "../lab.ts";
import { writeManifest } from "../manifest.ts";

const RATE_LINES = 100_000;
const LONG_LINES = 1_000_000;

/** The ratio needs rounds, and a hundred thousand lines are enough for it. */
export const bulk: Case = {
  name: "bulk",
  about: "A manifest of 100,000 lines into the queue, beside bare addBulk in chunks of 1,000 from memory",
  rows: [{ name: "bulk enqueue", unit: "requests/s", limit: { atLeast: 0.7 } }],
  open: async (lab) => ({
    ours: await command(lab, "bulk", RATE_LINES),
    baseline: () => lab.run("bare-bulk", { COUNT: String(RATE_LINES) }),
  }),
};

const PEAK = { figure: "peakRssMib" };

/** The peak of memory needs the whole length. */
export const bulkMillion: Case = {
  name: "bulk-million",
  about: "A manifest of 1,000,000 lines: peak memory of `plan` and `bulk`, and the same ratio",
  rows: [
    { name: "bulk, 1,000,000 lines", unit: "requests/s", limit: { atLeast: 0.7 } },
    { name: "bulk, peak RSS", unit: "MiB", ours: PEAK, baseline: "none", limit: { atMost: 250 } },
    { name: "plan, peak RSS", unit: "MiB", ours: { ...PEAK, of: "plan" }, baseline: "none", limit: { atMost: 250 } },
  ],
  fewerRounds: { rounds: 1, why: "since each takes minutes and a gigabyte of Redis" },
  open: async (lab) => ({
    ours: await command(lab, "bulk", LONG_LINES),
    baseline: () => lab.run("bare-bulk", { COUNT: String(LONG_LINES) }),
    plan: await command(lab, "plan", LONG_LINES),
  }),
};

async function command(lab: Lab, name: "bulk" | "plan", lines: number) {
  const file = await writeManifest(lab.folder, lines);
  const env = { COUNT: String(lines), ARGUMENTS: JSON.stringify([name, file]), DIST: await buildPackage() };
  return () => lab.run("command", env);
}
