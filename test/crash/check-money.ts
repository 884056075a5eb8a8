// The sandbox's bill against the ledger: every call on the bill has its row, and nothing is bought again once answered. Pure.

import type { BillEntry, BillSnapshot } from "../../src/dev/sandbox/bill.ts";
import type { Call, RequestDetail } from "../../src/domain/records.ts";
import { UNKNOWN_CALLS_LIMIT } from "../../src/pipeline/verdict.ts";

export interface MoneyFigures {
  /** Rows of calls. */
  calls: number;
  /** Calls that the API saw. */
  calls_on_bill: number;
  answered_calls_repeated: number;
  recipes_bought_twice: number;
  unknown_calls: number;
  /** Paid, and the answer never committed: the open window. At most as many as unknown calls. */
  paid_unanswered: number;
}

/** Prompts are unique to a recipe in this test, so the prompt is the link between bill and ledger. */
export function checkMoney(
  details: readonly RequestDetail[],
  { bill, breaches }: { bill: BillSnapshot; breaches: string[] },
): MoneyFigures {
  const figures: MoneyFigures = {
    calls: details.reduce((sum, detail) => sum + detail.calls.length, 0),
    calls_on_bill: bill.calls,
    answered_calls_repeated: 0,
    recipes_bought_twice: 0,
    unknown_calls: details.reduce((sum, detail) => sum + count(detail.calls, "unknown"), 0),
    paid_unanswered: 0,
  };
  const groups = Map.groupBy(details, (detail) => detail.request.recipe?.prompt ?? "");
  const entries = Map.groupBy(bill.entries, (entry) => entry.recipe?.prompt ?? "");
  // calls refused before they were read stand on the bill without a prompt
  for (const [prompt, received] of entries) {
    if (prompt !== "") checkGroup({ prompt, details: groups.get(prompt) ?? [], received, figures, breaches });
  }
  for (const detail of details) checkRows(detail, breaches);
  return figures;
}

interface Group {
  prompt: string;
  details: readonly RequestDetail[];
  received: readonly BillEntry[];
  figures: MoneyFigures;
  breaches: string[];
}

function checkGroup({ prompt, details, received, figures, breaches }: Group): void {
  const rows = details.flatMap((detail) => detail.calls);
  if (received.length > rows.length) {
    breaches.push(`"${prompt}": ${received.length} calls on the bill, ${rows.length} in the ledger`);
  }
  const answered = new Set(rows.filter((row) => row.state === "answered").map((row) => row.api_request_id));
  const unanswered = received.filter((entry) => entry.paid && !answered.has(entry.api_request_id));
  figures.paid_unanswered += unanswered.length;
  if (unanswered.length > count(rows, "unknown")) {
    breaches.push(
      `"${prompt}": ${unanswered.length} calls were paid for nothing, ${count(rows, "unknown")} stand as unknown`,
    );
  }
  const done = Math.min(...details.map((detail) => completedAt(detail, received)));
  const repeated = received.filter((entry) => entry.time > done);
  // a call that the API refused unread stands on the bill without a prompt; the ledger knows whose it was
  const rowsAfter = rows.filter((row) => row.sent_at > done);
  figures.answered_calls_repeated += Math.max(repeated.length, rowsAfter.length);
  if (repeated.length + rowsAfter.length > 0) {
    const times = [...repeated.map((entry) => entry.time), ...rowsAfter.map((row) => row.sent_at)];
    breaches.push(`"${prompt}": called again ${Math.min(...times) - done} ms after the answer was committed`);
  }
  const bought = details.filter(({ request, calls }) => request.state === "archived" && count(calls, "answered") > 0);
  if (bought.length > 1) {
    figures.recipes_bought_twice += bought.length - 1;
    breaches.push(`"${prompt}": bought by ${bought.map((detail) => detail.request.request_id).join(", ")}`);
  }
}

/** When the last missing image of a request was committed; infinity where one is missing. */
function completedAt({ request, calls }: RequestDetail, received: readonly BillEntry[]): number {
  let images = 0;
  const ends = calls.filter((call) => call.state === "answered").sort((a, b) => (a.ended_at ?? 0) - (b.ended_at ?? 0));
  for (const call of ends) {
    images += received.find((entry) => entry.api_request_id === call.api_request_id)?.images ?? 0;
    if (images >= (request.recipe?.n ?? 1)) return call.ended_at ?? 0;
  }
  return Number.POSITIVE_INFINITY;
}

function checkRows({ request, calls, generations }: RequestDetail, breaches: string[]): void {
  const { request_id } = request;
  if (count(calls, "unknown") > UNKNOWN_CALLS_LIMIT)
    breaches.push(`request ${request_id} has ${count(calls, "unknown")} calls of unknown outcome`);
  if (count(calls, "sent") > 0) breaches.push(`request ${request_id} has a call that is out, and nobody waits for it`);
  if (count(calls, "answered") !== generations.length) {
    breaches.push(
      `request ${request_id} has ${count(calls, "answered")} answered calls and ${generations.length} answers`,
    );
  }
}

function count(calls: readonly Call[], state: Call["state"]): number {
  return calls.filter((call) => call.state === state).length;
}
