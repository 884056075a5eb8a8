// The bill: every call the sandbox received, how it ended, and whether it would have cost money.
import type { SandboxCall, SandboxRecipe } from "./validation.ts";

/**
 * How a call ended.
 *
 * | outcome | what happened | paid |
 * |---|---|---|
 * | open | it is still being worked on | not yet |
 * | answered | an answer went out whole | for its images |
 * | abandoned | the images were made, but the caller had gone | yes |
 * | hung, reset, malformed | the images were made, the answer never arrived | yes |
 * | refused | the API said no (4xx, 5xx) | no |
 * | proxy | a proxy's page; the API never saw the call | no |
 */
export type BillOutcome = "open" | "answered" | "abandoned" | "hung" | "reset" | "malformed" | "refused" | "proxy";

/** One call. `number` counts from 1; times in ms since 1970; `images` are those paid for. */
export interface BillEntry {
  number: number;
  time: number;
  ended_at: number | null;
  api_request_id: string;
  /** The caller's own x-request-id header. */
  client_request_id: string | null;
  recipe: SandboxRecipe | null;
  /** False when the call asked for a random seed. */
  seed_given: boolean | null;
  response_format: SandboxCall["response_format"] | null;
  outcome: BillOutcome;
  http_status: number | null;
  code: string | null;
  paid: boolean;
  images: number;
}

/** The sums. They count every call, also those that the list has dropped. */
export interface BillTotals {
  calls: number;
  paid_calls: number;
  images: number;
  outcomes: Record<BillOutcome, number>;
  /** Calls that got 429. */
  rate_limited: number;
  max_concurrent: number;
  downloads: number;
  /** Downloads that went out whole and unharmed. */
  downloads_complete: number;
}

/** Totals and list, as they are now. */
export interface BillSnapshot extends BillTotals {
  entries: BillEntry[];
}

/** How a call ended, as the endpoint tells it. */
export interface BillEnd {
  outcome: Exclude<BillOutcome, "open">;
  http_status?: number | null;
  code?: string | null;
  images?: number;
}

/** The list keeps the newest this many calls: a load test must not fill the memory. */
const LIST_MAX_ENTRIES = 200_000;

const PAID: readonly BillOutcome[] = ["answered", "abandoned", "hung", "reset", "malformed"];

/** Opens an empty bill. */
export function createBill(now: () => number) {
  let totals = emptyTotals();
  let entries: BillEntry[] = [];
  let number = 0;
  // calls that a cleared bill no longer knows may still change how they ended
  let counted = new WeakSet<BillEntry>();
  const receive = (call: { api_request_id: string; client_request_id: string | null }): BillEntry => {
    number += 1;
    const entry = { ...blankEntry(), ...call, number, time: now() };
    entries.push(entry);
    counted.add(entry);
    // in blocks: shifting one by one would move the whole list for every call
    if (entries.length > LIST_MAX_ENTRIES * 1.1) entries = entries.slice(-LIST_MAX_ENTRIES);
    totals.calls += 1;
    totals.outcomes.open += 1;
    totals.max_concurrent = Math.max(totals.max_concurrent, totals.outcomes.open);
    return entry;
  };
  const end = (entry: BillEntry, how: BillEnd): void => {
    if (counted.has(entry)) count(totals, entry, -1);
    const paid = PAID.includes(how.outcome) && (how.images ?? 0) > 0;
    const { outcome, http_status = null, code = null } = how;
    Object.assign(entry, { outcome, http_status, code, paid, images: paid ? how.images : 0, ended_at: now() });
    if (counted.has(entry)) count(totals, entry, 1);
  };
  return {
    /** Writes down a call that came in. */
    receive,
    /** Writes down how it ended; a later word replaces the earlier. */
    end,
    countDownload: (complete: boolean) => {
      totals.downloads += complete ? 0 : 1;
      totals.downloads_complete += complete ? 1 : 0;
    },
    totals: (): BillTotals => structuredClone(totals),
    snapshot: (): BillSnapshot => structuredClone({ ...totals, entries: entries.slice(-LIST_MAX_ENTRIES) }),
    /** Starts anew. Calls that are open stay in the list. */
    clear: () => {
      entries = entries.filter((entry) => entry.outcome === "open");
      counted = new WeakSet(entries);
      const open = entries.length;
      totals = { ...emptyTotals(), calls: open, max_concurrent: open };
      totals.outcomes.open = open;
    },
  };
}
export type Bill = ReturnType<typeof createBill>;

function count(totals: BillTotals, entry: BillEntry, by: 1 | -1): void {
  totals.outcomes[entry.outcome] += by;
  totals.paid_calls += entry.paid ? by : 0;
  totals.images += by * entry.images;
  totals.rate_limited += entry.http_status === 429 ? by : 0;
}

function emptyTotals(): BillTotals {
  const outcomes = { open: 0, answered: 0, abandoned: 0, hung: 0, reset: 0, malformed: 0, refused: 0, proxy: 0 };
  return {
    calls: 0,
    paid_calls: 0,
    images: 0,
    outcomes,
    rate_limited: 0,
    max_concurrent: 0,
    downloads: 0,
    downloads_complete: 0,
  };
}

function blankEntry(): Omit<BillEntry, "number" | "time" | "api_request_id" | "client_request_id"> {
  return {
    ended_at: null,
    recipe: null,
    seed_given: null,
    response_format: null,
    outcome: "open",
    http_status: null,
    code: null,
    paid: false,
    images: 0,
  };
}
