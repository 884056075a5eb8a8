// From rounds to rows: medians, spreads, and the ratio on which a claim stands. Pure.
import type { Measured } from "./lab.ts";

export interface Round {
  ours: Measured;
  baseline: Measured;
}

export interface Row {
  name: string;
  unit: string;
  ours: number;
  baseline: number;
  /** ours ÷ baseline of the same round: median, lowest, highest. */
  ratio: { median: number; min: number; max: number };
  wanted: string;
  reached: boolean;
  cpuSeconds: { ours: number; baseline: number };
  peakRssMib: { ours: number; baseline: number };
}

export function toRow(
  rounds: Round[],
  about: { name: string; unit: string; wanted: string; reached(median: number): boolean },
): Row {
  const ratios = rounds.map(({ ours, baseline }) => ours.value / baseline.value);
  const of = (side: "ours" | "baseline", field: keyof Measured) =>
    median(rounds.map((round) => round[side][field] ?? 0));
  const ratio = { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
  return {
    name: about.name,
    unit: about.unit,
    ours: of("ours", "value"),
    baseline: of("baseline", "value"),
    ratio,
    wanted: about.wanted,
    reached: about.reached(ratio.median),
    cpuSeconds: { ours: of("ours", "cpuSeconds"), baseline: of("baseline", "cpuSeconds") },
    peakRssMib: { ours: of("ours", "peakRssMib"), baseline: of("baseline", "peakRssMib") },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The table as text, one line for each row. */
export function toText(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.reached ? "✔" : "✖",
    row.name,
    `${show(row.ours)} ${row.unit}`,
    `${show(row.baseline)}`,
    `${row.ratio.median.toFixed(2)} (${row.ratio.min.toFixed(2)}–${row.ratio.max.toFixed(2)})`,
    row.wanted,
    `${row.cpuSeconds.ours.toFixed(1)} / ${row.cpuSeconds.baseline.toFixed(1)}`,
    `${row.peakRssMib.ours.toFixed(0)} / ${row.peakRssMib.baseline.toFixed(0)}`,
  ]);
  const head = ["", "what", "ours", "baseline", "ratio (min–max)", "wanted", "CPU s", "RSS MiB"];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  return [head, ...cells]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
