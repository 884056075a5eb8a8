// A catalog of a million assets: whether it still records as fast as a small one, and how long a search takes.
import { join } from "node:path";
import type { Case } from "../case.ts";
import type { Lab } from "../lab.ts";

const LARGE = 1_000_000;
const SMALL = 10_000;
const RECORDED = 5_000;

export const catalogGrowth: Case = {
  name: "catalog-growth",
  about: "Recording (accepted, called, answered, archived, ended) at 1,000,000 assets, beside 10,000",
  rows: [{ name: "catalog growth", unit: "requests/s", limit: { atLeast: 0.9 } }],
  open: async (lab) => {
    const large = await fill(lab, { count: LARGE });
    const small = await fill(lab, { count: SMALL });
    let from = LARGE;
    const record = (file: string) => {
      // ids and recipes that neither has
      from += 2 * RECORDED;
      return lab.run("record", { FILE: file, COUNT: `${RECORDED}`, FROM: `${from}` });
    };
    return { ours: () => record(large), baseline: () => record(small) };
  },
};

export const search: Case = {
  name: "search",
  about: "The first page of 20 typical searches at 1,000,000 assets, in process",
  rows: [
    { name: "search, p99", unit: "ms", baseline: "none", limit: { atMost: 25 } },
    {
      name: "search, slowest query",
      unit: "ms",
      ours: { figure: "slowestMs" },
      baseline: "none",
      limit: { atMost: 25 },
    },
  ],
  open: async (lab) => {
    const file = await fill(lab, { count: LARGE, texts: true });
    return { ours: () => lab.run("search", { FILE: file }) };
  },
};

async function fill(lab: Lab, { count, texts = false }: { count: number; texts?: boolean }): Promise<string> {
  const file = join(lab.folder, `catalog-${count}.db`);
  await lab.run("fill-catalog", { FILE: file, COUNT: `${count}`, TEXTS: texts ? "1" : "" });
  return file;
}
