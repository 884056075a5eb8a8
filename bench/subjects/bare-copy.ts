// The baseline: a loop in one process, as many copies at once as ours, and nothing else. Reports images per second.
import { ownCost, report } from "../cost.ts";
import { createBareParts } from "./bare-parts.ts";

const { WARM_UP, COUNT, ARCHIVE_CONCURRENCY, IMAGE_API_BASE_URL } = process.env;
const concurrency = Number(ARCHIVE_CONCURRENCY);
const { copy } = createBareParts(concurrency);
const { origin } = new URL(IMAGE_API_BASE_URL ?? "");
let next = 0;

await copyUntil(Number(WARM_UP));
const [begun, cost] = [performance.now(), ownCost().cpuSeconds];
await copyUntil(Number(WARM_UP) + Number(COUNT));
const value = (Number(COUNT) * 1000) / (performance.now() - begun);
report({ value, cpuSeconds: ownCost().cpuSeconds - cost });
process.disconnect();

async function copyUntil(end: number): Promise<void> {
  const lane = async () => {
    while (next < end) await copy(`${origin}/copy-${next++}.png`);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}
