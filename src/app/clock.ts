// The real clock. Imports nothing of ours but its port.
import { setTimeout } from "node:timers/promises";
import type { Clock } from "../pipeline/ports.ts";

/** A timer takes no more, in ms: 25 days. One of more ends at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Wall-clock time, and waits that an abort ends early. */
export const clock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => setTimeout(Math.min(ms, TIMER_MAX_MS), undefined, { signal }).catch(() => undefined),
};
