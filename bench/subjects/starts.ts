// Starts a command again and again, to its end. Reports the median time of one start in ms, and the CPU seconds of one.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { report } from "../cost.ts";
import { median } from "../table.ts";

const { COUNT = "1", ARGUMENTS = "[]" } = process.env;
const count = Number(COUNT);
const args = JSON.parse(ARGUMENTS) as string[];
// the first start fills caches: the system's, and that of compiled code
start();

const before = childrenCpuSeconds();
const times = Array.from({ length: count }, () => {
  const begun = performance.now();
  start();
  return performance.now() - begun;
});
report({ value: median(times), cpuSeconds: (childrenCpuSeconds() - before) / count });
process.disconnect();

function start(): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with exit code ${status}: ${stderr}`);
}

/** What the children that have ended have cost; only Linux tells, in ticks of 10 ms. */
function childrenCpuSeconds(): number {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return 0;
  }
}
