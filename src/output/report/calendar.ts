// Steps of a calendar for curves over time, all in UTC. Pure; times: ms since 1970.

/** How finely a curve is drawn. */
export type CurveStep = "day" | "week" | "month" | "year";

const DAY_MS = 86_400_000;

/** The finest step that makes a curve of some dozens of points at most. */
export function stepFor(spanMs: number): CurveStep {
  if (spanMs <= 31 * DAY_MS) return "day";
  if (spanMs <= 40 * 7 * DAY_MS) return "week";
  return spanMs <= 5 * 366 * DAY_MS ? "month" : "year";
}

/** The beginnings of all steps from the one that holds `first` to the one that holds `last`. */
export function stepsBetween({ first, last }: { first: number; last: number }, step: CurveStep): number[] {
  const starts: number[] = [];
  for (let start = beginOf(first, step); start <= last; start = nextOf(start, step)) starts.push(start);
  return starts;
}

function beginOf(ms: number, step: CurveStep): number {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (step === "year") return Date.UTC(year, 0);
  if (step === "month") return Date.UTC(year, month);
  // weeks begin on Mondays
  return Date.UTC(year, month, step === "week" ? day - ((date.getUTCDay() + 6) % 7) : day);
}

function nextOf(start: number, step: CurveStep): number {
  const date = new Date(start);
  if (step === "day") return start + DAY_MS;
  if (step === "week") return start + 7 * DAY_MS;
  return Date.UTC(date.getUTCFullYear() + (step === "year" ? 1 : 0), date.getUTCMonth() + (step === "month" ? 1 : 0));
}
