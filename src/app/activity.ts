// What was done since the last line about it, as a line for the log: often at first, then rarely, and once when it is over.
import type { Counts } from "../catalog/stats/counts.ts";

/** The most ticks between two lines while work goes on. */
const LONGEST_TICKS = 15;

/** What a line says: the figures, and the words. */
export interface ActivityLine {
  fields: Record<string, number>;
  message: string;
}

/**
 * Called once a minute with the counts as they are; gives a line, or undefined where there is nothing to say. A night of
 * eight hours has some thirty lines: after 1, 2, 4 and 8 minutes, then every quarter of an hour, and one at its end.
 */
export function createActivity(): (counts: Counts) => ActivityLine | undefined {
  let told: Counts | undefined;
  let before: Counts | undefined;
  let ticks = 0;
  let wait = 1;
  return (counts) => {
    const moved = before !== undefined && hasMoved(before, counts);
    const first = before ?? counts;
    before = counts;
    told ??= first;
    if (!hasMoved(told, counts)) return undefined;
    ticks += 1;
    if (moved && ticks < wait) return undefined;
    const line = toLine(told, counts, !moved);
    told = counts;
    ticks = 0;
    wait = moved ? Math.min(wait * 2, LONGEST_TICKS) : 1;
    return line;
  };
}

function hasMoved(from: Counts, to: Counts): boolean {
  return (
    to.requests.archived !== from.requests.archived ||
    to.requests.failed !== from.requests.failed ||
    to.requests.parked !== from.requests.parked ||
    to.calls.answered !== from.calls.answered ||
    to.calls.refused !== from.calls.refused ||
    to.calls.unknown !== from.calls.unknown
  );
}

function toLine(from: Counts, to: Counts, over: boolean): ActivityLine {
  const grown = (name: "archived" | "failed" | "parked") => to.requests[name] - from.requests[name];
  const called = (name: "answered" | "refused" | "unknown") => to.calls[name] - from.calls[name];
  const fields = {
    archived: grown("archived"),
    failed: grown("failed"),
    parked: grown("parked"),
    calls_answered: called("answered"),
    calls_refused: called("refused"),
    calls_unknown: called("unknown"),
    queued: to.requests.queued,
    in_hand: to.requests.generating + to.requests.copying,
  };
  const facts = Object.entries(fields).filter(([name, value]) => value !== 0 || name === "archived");
  const text = facts.map(([name, value]) => `${name.replace("_", " ")} ${value}`).join(", ");
  return { fields, message: `${over ? "nothing more moves" : "at work"}: ${text}` };
}
