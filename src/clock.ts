// The real clock. Imports nothing of ours but its port.
import { setTimeout } from "node:timers/promises";
import type { Clock } from "./pipeline/ports.ts";

/** Wall-clock time, and waits that an abort ends early. */
export const clock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => undefined),
};
