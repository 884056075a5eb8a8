// The curve of a model as text for a person: a line for each step of time, and the changes that the proofs give away. Pure.
import type { DriftReport, DriftView } from "../../output/report/proof-view.ts";
import { plain, toTable } from "../text.ts";

/** The report, model by model. `width` is the terminal's, undefined where there is none. */
export function driftLines({ models }: DriftReport, width: number | undefined): string[] {
  return models.flatMap((model, at) => [...(at === 0 ? [] : [""]), ...modelLines(model, width)]);
}

function modelLines(view: DriftView, width: number | undefined): string[] {
  const { model, originals, proofs, step, curve } = view;
  const columns = [
    { title: `made (${step})` },
    ...["images", "identical", "near", "drifted", "not compared", "distance"].map((title) => ({
      title,
      align: "right" as const,
    })),
    { title: "" },
  ];
  return [
    `${plain(model)}: ${counted(originals, "original")}, ${counted(proofs, "proof")}; the newest proof of each:`,
    ...toTable(
      columns,
      curve.map((point) => toRow(point, step)),
      width,
    ).map((line) => `  ${line}`),
    `  ${SIGNS.identical} identical  ${SIGNS.near} near  ${SIGNS.drifted} drifted`,
    ...changeLines(view),
  ];
}

const SIGNS = { identical: "█", near: "▒", drifted: "░" } as const;
const BAR_WIDTH = 24;

/** The part of a date that a step needs. */
const DATE_LENGTH = { day: 10, week: 10, month: 7, year: 4 } as const;

function toRow(point: DriftView["curve"][number], step: DriftView["step"]): string[] {
  const from = point.from.slice(0, DATE_LENGTH[step]);
  const identical = point.identical_bytes + point.identical_pixels;
  const images = identical + point.near + point.drifted;
  const lost = point.incomparable === 0 ? "" : String(point.incomparable);
  if (images === 0) return [from, "-", "", "", "", lost, "", ""];
  // rounded at the borders, so that the parts add up to the width
  const upTo = (count: number) => Math.round((BAR_WIDTH * count) / images);
  const bar =
    SIGNS.identical.repeat(upTo(identical)) +
    SIGNS.near.repeat(upTo(identical + point.near) - upTo(identical)) +
    SIGNS.drifted.repeat(BAR_WIDTH - upTo(identical + point.near));
  const distance = (point.mean_distance ?? 0).toFixed(1);
  return [from, ...[images, identical, point.near, point.drifted].map(String), lost, distance, bar];
}

function changeLines({ changes, curve }: DriftView): string[] {
  if (changes.length === 0) {
    const compared = curve.some((point) => point.mean_distance !== null);
    return [
      compared ? "  Nothing has changed: whatever was asked for again came out the same" : "  Nothing was compared",
    ];
  }
  return changes.map(({ of, contradicted, ...change }) => {
    const [after, before] = [toSecond(change.after), toSecond(change.before)];
    const what = of === "picture" ? "other pictures" : "other pixels";
    if (contradicted)
      return `  Between ${after} and ${before} some recipes brought ${what} and others did not: the model does not repeat itself`;
    return `  The model changed between ${after} and ${before}: what was made before brings ${what} since`;
  });
}

function toSecond(time: string): string {
  return `${time.slice(0, 19)}Z`;
}

function counted(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}
