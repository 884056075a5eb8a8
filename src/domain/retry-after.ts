// Parses Retry-After headers. Pure.
// Seconds are tried before the date: Date.parse("120") is the year 120.

/** An hour. A longer wait is usually a mistake or an attack; a server that means it sends the header again. */
export const RETRY_AFTER_MAX_MS = 60 * 60 * 1000;

/**
 * The wait in ms, between 0 and an hour, or null without a header in a known form.
 *
 * | header | form | example |
 * |---|---|---|
 * | retry-after-ms | milliseconds (OpenAI's and Azure's) | 1500 |
 * | retry-after | seconds, a fraction allowed | 120 |
 * | retry-after | HTTP date; one in the past means now | Wed, 21 Oct 2026 07:28:00 GMT |
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): number | null {
  const inMs = toNumber(first(headers["retry-after-ms"]));
  if (inMs !== undefined) return clamp(inMs);
  const text = first(headers["retry-after"]);
  const seconds = toNumber(text);
  if (seconds !== undefined) return clamp(seconds * 1000);
  const at = toDate(text);
  return at === undefined ? null : clamp(at - nowMs);
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value)?.trim() ?? "";
}

function toNumber(text: string): number | undefined {
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

// the three forms of RFC 9110, 5.6.7; Date.parse alone would take "see you at 3" for a date
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/;

function toDate(text: string): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  // asctime names no zone and Date.parse would take the local one
  const at = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}

function clamp(ms: number): number {
  return Math.round(Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS));
}
