// A plan as text for a person.
import type { Forecast } from "../batches/plan/forecast.ts";
import type { Tally, Work } from "../batches/plan/tally.ts";
import { formatDuration, formatMoney, formatSize } from "../domain/units.ts";
import { writeOutput } from "./io.ts";

const KINDS: readonly (readonly [kind: keyof Tally, label: string])[] = [
  ["duplicates", "duplicates, the same request again"],
  ["already_archived", "archived already by an earlier run"],
  ["unfinished", "on their way from an earlier run"],
  ["parked", "parked: wait for a person"],
  ["cancelled", "cancelled: left as they are"],
  ["reused", "reused from archived images, free"],
  ["failed_before", "failed before, to be tried again"],
  ["new", "new"],
];

/** Prints what there is, what it takes, and whether that fits. */
export function printPlan(name: string, plan: { tally: Tally; work: Work; forecast: Forecast }): void {
  const { tally, work } = plan;
  writeOutput(`${name}: ${counted(tally.items, "item")}, ${counted(tally.recipes, "recipe")}`);
  for (const [kind, label] of KINDS) {
    if (tally[kind] > 0 || kind === "new") writeOutput(`  ${number(tally[kind]).padStart(11)}  ${label}`);
  }
  writeOutput(`To be made: ${counted(work.images, "image")} by ${counted(work.calls, "call")}`);
  printForecast(plan.forecast);
}

function printForecast(future: Forecast): void {
  const { price, window, budget, max_images } = future;
  row("price", price === null ? "unknown, PRICE_PER_IMAGE is not set" : formatMoney(price));
  row("time", `${formatDuration(future.seconds * 1000)} (${TIME_BASIS[future.seconds_from]})`);
  row("disk", `${formatSize(future.bytes)} (${BYTES_BASIS[future.bytes_from]})`);
  if (window !== null) {
    row("window", `${verdict(window.fits)}: ${counted(window.nights, "night")} of ${window.hours} ${window.tz}`);
  }
  if (budget !== null) row("budget", `${verdict(budget.fits)} ${formatMoney(budget)}`);
  if (max_images !== null) row("limit", `${verdict(max_images.fits)} ${counted(max_images.images, "image")}`);
}

const TIME_BASIS: Record<Forecast["seconds_from"], string> = {
  rate_limit: "at GENERATE_RATE_LIMIT",
  observed_calls: "one worker at GENERATE_CONCURRENCY, calls as recent ones",
  assumed_calls: "one worker at GENERATE_CONCURRENCY, 20 s for a call assumed",
};

const BYTES_BASIS: Record<Forecast["bytes_from"], string> = {
  observed_images: "images as recent ones",
  assumed_images: "2 MiB for an image assumed",
};

function row(label: string, text: string): void {
  writeOutput(`  ${label.padEnd(8)}${text}`);
}

function verdict(fits: boolean): string {
  return fits ? "fits" : "does not fit";
}

function counted(value: number, word: string): string {
  return `${number(value)} ${word}${value === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
