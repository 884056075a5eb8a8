// From rounds to rows: medians, spreads, and whether a limit was kept. Pure.
import type { Figure, Limit, RowOf } from "./case.ts";
import type { Measured } from "./lab.ts";

/** What each subject of a case reported in one round. */
export type Round = Record<string, Measured>;

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export interface Row {
  name: string;
  unit: string;
  rounds: number;
  ours: Spread;
  baseline: Spread | null;
  /** ours ÷ baseline of the same round; null where the limit is an absolute one. */
  ratio: Spread | null;
  limit: Limit;
  /** By the median: of the ratio, or of ours where there is no baseline. */
  reached: boolean;
  cpuSeconds: { ours: number; baseline: number | null };
  peakRssMib: { ours: number; baseline: number | null };
}

/** One row of the table. Throws where a subject or its figure does not exist: a typo must not pass as zero. */
export function toRow(rounds: readonly Round[], about: RowOf): Row {
  const ours = { of: "ours", figure: "value", ...about.ours };
  const baseline = about.baseline === "none" ? null : { of: "baseline", figure: "value", ...about.baseline };
  const values = rounds.map((round) => read(round, ours));
  const others = baseline === null ? null : rounds.map((round) => read(round, baseline));
  const ratios = others === null ? null : values.map((value, index) => value / (others[index] ?? Number.NaN));
  const cost = (figure: string) => ({
    ours: median(rounds.map((round) => read(round, { of: ours.of, figure }))),
    baseline: baseline === null ? null : median(rounds.map((round) => read(round, { of: baseline.of, figure }))),
  });
  return {
    name: about.name,
    unit: about.unit,
    rounds: rounds.length,
    ours: spread(values),
    baseline: others && spread(others),
    ratio: ratios && spread(ratios),
    limit: about.limit,
    reached: keeps(median(ratios ?? values), about.limit),
    cpuSeconds: cost("cpuSeconds"),
    peakRssMib: cost("peakRssMib"),
  };
}

function keeps(value: number, limit: Limit): boolean {
  return "atLeast" in limit ? value >= limit.atLeast : value <= limit.atMost;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The table as text, one line for each row. */
export function toText(rows: readonly Row[]): string {
  const head = ["", "what", "ours", "baseline", "ratio (min–max)", "wanted", "rounds", "CPU s", "RSS MiB"];
  const lines = [head, ...rows.map(toCells)];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function toCells(row: Row): string[] {
  const wanted = "atLeast" in row.limit ? `≥ ${row.limit.atLeast}` : `≤ ${row.limit.atMost}`;
  return [
    row.reached ? "✔" : "✖",
    row.name,
    row.ratio === null ? `${showSpread(row.ours)} ${row.unit}` : `${show(row.ours.median)} ${row.unit}`,
    row.baseline === null ? "–" : show(row.baseline.median),
    row.ratio === null ? "–" : showSpread(row.ratio),
    row.ratio === null ? `${wanted} ${row.unit}` : wanted,
    String(row.rounds),
    showPair(row.cpuSeconds, 1),
    showPair(row.peakRssMib, 0),
  ];
}

function read(round: Round, { of, figure }: Required<Figure>): number {
  const value = round[of]?.[figure];
  if (value === undefined) throw new Error(`Subject "${of}" reported no "${figure}": got ${JSON.stringify(round[of])}`);
  return value;
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

function showSpread({ median, min, max }: Spread): string {
  return `${show(median)} (${show(min)}–${show(max)})`;
}

function showPair({ ours, baseline }: { ours: number; baseline: number | null }, digits: number): string {
  return baseline === null ? ours.toFixed(digits) : `${ours.toFixed(digits)} / ${baseline.toFixed(digits)}`;
}

function show(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
