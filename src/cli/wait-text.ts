// What a person is told while they wait: nothing for a few seconds, then why nothing has come yet, and again when that changes.
import { setTimeout as pause } from "node:timers/promises";
import { formatDuration } from "../domain/units.ts";
import type { WaitReason } from "../output/report/status-view.ts";
import { writeError } from "./io.ts";

/** How long nothing is said, and how often the reasons are looked at, in ms. */
const FIRST_MS = 5_000;
const EVERY_MS = 5_000;

/** Says that nobody knows why, once, rather than nothing. */
const UNKNOWN: WaitReason = {
  code: "queued",
  message: "The reason why it waits cannot be found out just now",
  next_try_at: null,
};

/**
 * Gives what `waiting` gives. Meanwhile, on stderr: a line for each reason, from five seconds on, and again only where one
 * is new: a reason whose next try has moved is the same one.
 */
export async function sayWhileWaiting<T>(
  waiting: Promise<T>,
  explain: () => Promise<readonly WaitReason[]>,
  write: (line: string) => void = writeError,
): Promise<T> {
  const over = new AbortController();
  const saying = sayReasons(explain, { signal: over.signal, write });
  try {
    return await waiting;
  } finally {
    over.abort();
    await saying;
  }
}

async function sayReasons(
  explain: () => Promise<readonly WaitReason[]>,
  { signal, write }: { signal: AbortSignal; write: (line: string) => void },
): Promise<void> {
  let said = new Set<string>();
  for (let ms = FIRST_MS; await passes(ms, signal); ms = EVERY_MS) {
    const reasons = await explain().catch(() => [UNKNOWN]);
    if (signal.aborted) return;
    for (const reason of reasons) if (!said.has(reason.message)) write(reasonLine(reason, Date.now()));
    said = new Set(reasons.map(({ message }) => message));
  }
}

async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}

/** One reason, with the time until the next try where it is known. Pure. */
export function reasonLine({ message, next_try_at }: WaitReason, now: number): string {
  const leftMs = next_try_at === null ? 0 : Date.parse(next_try_at) - now;
  return `waiting: ${message}${leftMs > 0 ? `; next try in ${formatDuration(leftMs)}` : ""}`;
}
