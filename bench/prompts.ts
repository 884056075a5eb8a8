// The requests of a catalog that has grown over years: prompts in two languages with common words and rare ones. Every
// number gives the same request on every machine.
import { requestOf } from "./manifest.ts";

/** When the first request was accepted, and how long until the next, in ms: a million in two years. */
export const FIRST_MS = Date.UTC(2024, 0, 1);
export const STEP_MS = 63_000;

const STYLES = [
  "oil painting",
  "watercolour",
  "studio photo",
  "pencil sketch",
  "isometric render",
  "水墨画",
  "剪纸风格",
];
const THINGS = ["lighthouse", "castle", "teapot", "bicycle", "dragon", "violin", "greenhouse", "灯塔", "古城", "龙舟"];
const MOODS = ["at dusk", "in heavy rain", "in spring", "under neon lights", "在雨中", "黄昏时分"];

/** Request number `index`, and the batch that it came in. */
export function prompted(index: number): Record<string, unknown> & { batch: string | null } {
  // spread out, so that neighbours differ
  const mixed = Math.imul(index + 1, 2_654_435_761) >>> 0;
  const pick = (list: readonly string[], shift: number) => list[(mixed >>> shift) % list.length];
  // one word in a thousand requests, and one in a hundred thousand
  const rare = `${index % 1_000 === 17 ? " with a zeppelin" : ""}${index % 100_000 === 4_242 ? " and an astrolabe" : ""}`;
  return {
    ...requestOf(index),
    request_id: `r-${String(index).padStart(8, "0")}`,
    prompt: `${pick(STYLES, 3)} of a ${pick(THINGS, 7)} ${pick(MOODS, 11)}${rare}, series ${mixed % 5_000}`,
    collection: index % 50_000 === 99 ? "rarities" : `collection-${mixed % 12}`,
    tags: [`tag-${mixed % 200}`, "archive"],
    steps: 20 + (mixed % 20),
    batch: `night-${Math.floor(index / 5_000)}`,
  };
}
