// Which fault strikes a call or a download: a prompt's marker, or seeded dice. Pure.
import { createHash } from "node:crypto";
import type { Switches } from "./switches.ts";

/** What can go wrong with a call on purpose. */
export type CallFault = "hang" | "reset" | "error" | "malformed" | "html" | "empty" | "short";

/** What can go wrong with a download on purpose. */
export type DownloadFault = "error" | "truncate" | "short-body" | "endless" | "html" | "redirect";

/**
 * Words in a prompt that make its call fail whatever the switches say, for demonstrations:
 * `[reject]` 400 content_policy_violation, `[fail]` 500 each time, `[flaky]` 503 the first time only,
 * and `[hang]`, `[reset]`, `[malformed]`, `[html]`, `[empty]`, `[short]` as the switches of that name.
 */
export const PROMPT_MARKERS = [
  "reject",
  "fail",
  "flaky",
  "hang",
  "reset",
  "malformed",
  "html",
  "empty",
  "short",
] as const;
export type PromptMarker = (typeof PROMPT_MARKERS)[number];

/** The marker in a prompt, the first of them. */
export function findMarker(prompt: string): PromptMarker | undefined {
  const [, found] = new RegExp(`\\[(${PROMPT_MARKERS.join("|")})\\]`).exec(prompt) ?? [];
  return found as PromptMarker | undefined;
}

/** The fault that strikes call `number`, by the rates. */
export function rollCallFault(switches: Switches, number: number): CallFault | undefined {
  return strike(roll(switches.randomSeed, `call ${number}`), [
    ["hang", switches.hangRate],
    ["reset", switches.resetRate],
    ["error", switches.errorRate],
    ["malformed", switches.malformedRate],
    ["html", switches.htmlRate],
    ["empty", switches.emptyRate],
    ["short", switches.shortRate],
  ]);
}

/** The fault that strikes download `number`, by the rates. */
export function rollDownloadFault(switches: Switches, number: number): DownloadFault | undefined {
  return strike(roll(switches.randomSeed, `download ${number}`), [
    ["redirect", switches.redirectRate],
    ["error", switches.imageErrorRate],
    ["truncate", switches.truncateRate],
    ["short-body", switches.shortBodyRate],
    ["endless", switches.endlessRate],
    ["html", switches.htmlImageRate],
  ]);
}

/**
 * A number, 0 ≤ x < 1, that follows from seed and event alone. A hash, not a running generator: what strikes call 7
 * does not hang on how many downloads came before it.
 */
export function roll(seed: number, event: string): number {
  return createHash("sha256").update(`${seed} ${event}`).digest().readUInt32BE(0) / 2 ** 32;
}

// one die for all faults: their shares add up, and no more than one strikes
function strike<Fault>(rolled: number, faults: readonly (readonly [Fault, number])[]): Fault | undefined {
  let reached = 0;
  for (const [fault, share] of faults) {
    reached += share;
    if (rolled < reached) return fault;
  }
  return undefined;
}
