// Whether a call may pass, and what will become of it: key, switches, rate limit, parameters, markers, balance, dice,
// in this order. Nothing is sent here.
import { randomInt } from "node:crypto";
import { canonicalJson } from "../../domain/request/canonical-json.ts";
import { type CallFault, findMarker, type PromptMarker, roll, rollCallFault } from "./faults.ts";
import { parseJson } from "./http.ts";
import { createRateLimiter, parseRateLimit } from "./rate-limit.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Switches } from "./switches.ts";
import { type SandboxCall, type SandboxRecipe, validate } from "./validation.ts";

/** A call as it came in. `body` is undefined when it was too large. */
export interface Arrival {
  number: number;
  now: number;
  authorization: string | undefined;
  body: string | undefined;
}

/** What becomes of a call. A refusal that comes `late` takes as long as an image would. */
export type Admission =
  | { kind: "refused"; refusal: Refusal; late: boolean; call?: SandboxCall }
  | { kind: "admitted"; call: SandboxCall; fault: Exclude<CallFault, "error"> | undefined };

const SEED_LIMIT = 2 ** 31;
const FLAKY_MAX_REMEMBERED = 10_000;

/** Opens the gate. It remembers the rate limit's window, the balance and the flaky recipes it has failed once. */
export function createAdmission(options: { apiKey: string | undefined; switches: () => Readonly<Switches> }) {
  const limiter = createRateLimiter();
  const flaky = new Set<string>();
  let spentImages = 0;

  const refuseEarly = (arrival: Arrival, switches: Readonly<Switches>): Refusal | undefined => {
    if (!isKeyFine(arrival.authorization, options.apiKey)) return refuse(401);
    if (switches.forceStatus !== null) return withRetry(switches.forceStatus);
    const limit = switches.rateLimit === null ? undefined : parseRateLimit(switches.rateLimit);
    const waitMs = limit === undefined ? 0 : limiter.admit(limit, arrival.now);
    if (waitMs > 0) return { ...refuse(429), retryAfterMs: waitMs };
    return arrival.body === undefined ? refuse(413) : undefined;
  };

  const refuseByMarker = (marker: PromptMarker | undefined, recipe: SandboxRecipe): Refusal | undefined => {
    if (marker === "reject") return CONTENT_POLICY;
    if (marker === "fail") return refuse(500);
    if (marker !== "flaky") return undefined;
    // a random seed is another recipe each time, so the prompt alone decides
    const key = canonicalJson({ ...recipe, seed: 0 });
    if (flaky.has(key)) return undefined;
    if (flaky.size >= FLAKY_MAX_REMEMBERED) flaky.clear();
    flaky.add(key);
    return refuse(503);
  };

  const refuseByBalance = (recipe: SandboxRecipe, switches: Readonly<Switches>): Refusal | undefined => {
    if (switches.balance === null) return undefined;
    return spentImages + recipe.n > switches.balance ? refuse(402) : undefined;
  };

  return {
    /** Decides about one call, and takes its images from the balance. */
    decide(arrival: Arrival): Admission {
      const switches = options.switches();
      const early = refuseEarly(arrival, switches);
      if (early !== undefined) return { kind: "refused", refusal: early, late: false };
      const call = validate(parseJson(arrival.body ?? ""), () => randomInt(SEED_LIMIT));
      if (!("recipe" in call)) return { kind: "refused", refusal: call, late: false };
      const marker = findMarker(call.recipe.prompt);
      const refusal = refuseByBalance(call.recipe, switches) ?? refuseByMarker(marker, call.recipe);
      if (refusal !== undefined) return { kind: "refused", refusal, late: refusal.status >= 500, call };
      const fault = toFault(marker) ?? rollCallFault(switches, arrival.number);
      if (fault === "error") return { kind: "refused", refusal: drawError(switches, arrival), late: true, call };
      spentImages += countImages(call.recipe.n, fault);
      return { kind: "admitted", call, fault };
    },
    /** A new balance counts from now. */
    resetBalance(): void {
      spentImages = 0;
    },
  };
}
export type Admissions = ReturnType<typeof createAdmission>;

/** How many images a call with this fault makes, which is how many are paid for. */
export function countImages(n: number, fault: CallFault | undefined): number {
  if (fault === "empty" || fault === "html" || fault === "error") return 0;
  return fault === "short" ? Math.max(1, n - 1) : n;
}

const CONTENT_POLICY: Refusal = {
  ...refuse(400, "The prompt was refused by the content policy"),
  code: "content_policy_violation",
};

const FORCED_RETRY_MS = 1000;

function withRetry(status: number): Refusal {
  return status === 429 ? { ...refuse(status), retryAfterMs: FORCED_RETRY_MS } : refuse(status);
}

/** Whether the header brings the key, or, where none is set, any. */
export function isKeyFine(authorization: string | undefined, apiKey: string | undefined): boolean {
  const [, given = ""] = /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? "") ?? [];
  return given !== "" && (apiKey === undefined || given === apiKey);
}

function toFault(marker: PromptMarker | undefined): Exclude<CallFault, "error"> | undefined {
  return marker === "reject" || marker === "fail" || marker === "flaky" ? undefined : marker;
}

function drawError(switches: Readonly<Switches>, arrival: Arrival): Refusal {
  return refuse(roll(switches.randomSeed, `status ${arrival.number}`) < 0.5 ? 500 : 503);
}
