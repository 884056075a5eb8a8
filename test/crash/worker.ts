// The real worker in its own process, all settings by environment, with one thing more: at a named step, for the k-th
// time, it sends itself a signal. `--at put:3` kills it; with `--signal SIGSTOP` it freezes instead.
import { parseArgs } from "node:util";
import { createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { readSettings } from "../../src/app/settings.ts";
import { startWorker } from "../../src/app/worker.ts";

const { values } = parseArgs({
  options: {
    at: { type: "string" },
    signal: { type: "string", default: "SIGKILL" },
    "lock-ms": { type: "string" },
  },
});

const settings = readSettings();
const app = createApp({ settings, log: createLog({ level: settings.logLevel }), onStep: createTrap() });
const lockMs = values["lock-ms"];
const worker = await startWorker(app, lockMs === undefined ? {} : { lockMs: Number(lockMs) });
process.stdout.write("ready\n");
// the test itself was killed: nobody is left to stop us
process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => {
  void worker
    .stop()
    .then(() => app.close())
    .then(() => process.exit(0));
});

function createTrap(): (step: string) => void {
  const [point, times = "1"] = (values.at ?? "").split(":");
  let left = Number(times);
  return (step) => {
    if (step !== point) return;
    left -= 1;
    // the kernel acts before kill(2) returns: not one instruction of ours runs after it
    if (left === 0) process.kill(process.pid, values.signal);
  };
}
