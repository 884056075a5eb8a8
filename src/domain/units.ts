// Parses and formats durations, sizes, rates, prices and times. Pure.

const DURATIONS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** An amount of money in millionths, so that sums stay exact. */
export interface Price {
  micros: number;
  currency: string;
}

/** Money in JSON documents: exact to the millionth. */
export interface Money {
  amount: number;
  currency: string;
}

/** From a price to JSON. */
export function toMoney({ micros, currency }: Price): Money {
  return { amount: micros / 1e6, currency };
}

/** From JSON to a price. */
export function fromMoney({ amount, currency }: Money): Price {
  return { micros: Math.round(amount * 1e6), currency };
}

/** `1.25 USD`, as text for people. */
export function formatMoney(money: Money): string {
  return formatPrice(fromMoney(money));
}

/** `250ms`, `30s`, `7d` in ms; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATIONS);
}

/** `64MiB`, `500KB` in bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const bytes = parseQuantity(text, SIZES);
  return bytes === undefined ? undefined : Math.floor(bytes);
}

/** `10/s`, `300/m`, `5/10s`: a maximum per duration; undefined for anything else. */
export function parseRate(text: string): { max: number; durationMs: number } | undefined {
  const [, max, time] = /^(\d+)\s*\/\s*((?:\d+\s*)?(?:ms|s|m|h|d))$/.exec(text.trim()) ?? [];
  if (max === undefined || time === undefined || Number(max) === 0) return undefined;
  const durationMs = parseDuration(/^\d/.test(time) ? time : `1${time}`);
  if (durationMs === undefined || durationMs === 0 || !Number.isSafeInteger(Number(max))) return undefined;
  return { max: Number(max), durationMs };
}

/** `0.02 USD`; undefined for anything else. */
export function parsePrice(text: string): Price | undefined {
  const [, amount, currency] = /^(\d+(?:\.\d{1,6})?)\s*([A-Za-z]{3})$/.exec(text.trim()) ?? [];
  if (amount === undefined || currency === undefined) return undefined;
  const micros = Math.round(Number(amount) * 1e6);
  return Number.isSafeInteger(micros) ? { micros, currency: currency.toUpperCase() } : undefined;
}

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = unit === undefined || !Object.hasOwn(units, unit) ? undefined : units[unit];
  if (amount === undefined || factor === undefined) return undefined;
  const quantity = Number(amount) * factor;
  return quantity <= Number.MAX_SAFE_INTEGER ? quantity : undefined;
}

/** `1.25 USD`: at least two decimals, at most six. */
export function formatPrice({ micros, currency }: Price): string {
  const [whole, decimals = ""] = (micros / 1e6).toFixed(6).split(".");
  return `${whole}.${decimals.replace(/0{1,4}$/, "")} ${currency}`;
}

/** `12.3 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const unit = bytes < 1024 ** 2 ? "KiB" : bytes < 1024 ** 3 ? "MiB" : "GiB";
  return `${(bytes / (SIZES[unit] ?? 1)).toFixed(1)} ${unit}`;
}

/** `850 ms`, `12.3 s`, `4 min`, `3.2 h`, `6.9 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${(ms / 86_400_000).toFixed(1)} d`;
}

const DAY_MS = 86_400_000;

/**
 * A day (2026-11-23) or a time in ISO 8601, in ms since 1970; UTC without an offset. With `to`, a day means its end.
 * Undefined for anything else, such as the 31st of November.
 */
export function parseTime(text: string, edge: "from" | "to" = "from"): number | undefined {
  const [, day, time, zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})(?:(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00Z`);
  // for a nonexistent date some engines roll over into the next month, others give NaN
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  if (time === undefined) return midnight + (edge === "to" ? DAY_MS : 0);
  const ms = Date.parse(`${day}${time}${zone}`.toUpperCase());
  return Number.isNaN(ms) ? undefined : ms;
}
