// The sentences that the Markdown and the HTML form of a batch's report share. Pure.
import { formatDuration, formatMoney, formatSize, type Money } from "../../domain/units.ts";
import { archivedText } from "./batch-archived.ts";
import type { BatchReport, FailedItem } from "./batch-report.ts";

/** How the batch stands, in one line. */
export function headline(report: BatchReport): string {
  const { requests } = report;
  const left = requests.queued + requests.generating + requests.copying;
  switch (report.state) {
    case "finished":
      return requests.failed + requests.parked === 0 ? "Finished, nothing failed" : "Finished, with failures";
    case "cancelled":
      return "Cancelled";
    case "running":
      return `Running, ${number(left)} items to go`;
    case "held":
      return `Held by its ${report.held_reason}, ${number(left)} items to go`;
  }
}

/** The figures worth a look in the morning: name, value, remark. */
export function keyFigures(report: BatchReport): { name: string; value: string; note: string }[] {
  const { requests, calls, items } = report;
  const unknown = calls.unknown.calls;
  return [
    {
      name: "Archived",
      value: archivedText(report.archived),
      note: `${number(report.images)} new images, ${formatSize(report.bytes)}${fromBefore(report)}`,
    },
    {
      name: "Free",
      value: number(report.reused + items.existing),
      note: report.reused + items.existing === 0 ? "" : free(report),
    },
    {
      name: "Failed",
      value: number(requests.failed + requests.parked),
      note: requests.parked === 0 ? "" : `${number(requests.parked)} of them wait for a decision`,
    },
    {
      name: "Spent",
      value: moneyOr(report.spent, calls.answered.images),
      note:
        report.price_per_kept_image === null ? "" : `${formatMoney(report.price_per_kept_image)} for each image kept`,
    },
    {
      name: "Unknown calls",
      value: number(unknown),
      note: unknown === 0 ? "" : `${moneyOr(report.at_risk, calls.unknown.images)} at risk`,
    },
    {
      name: "Time",
      value: report.working_ms === null ? "–" : formatDuration(report.working_ms),
      note: report.images_per_minute === null ? "" : `${number(report.images_per_minute)} images a minute`,
    },
  ];
}

function fromBefore({ images_from_before: images }: BatchReport): string {
  return images === 0 ? "" : `; ${number(images)} images from before`;
}

/** Where an item stands in the manifest: "line 12". */
export function placeOf({ line, item }: FailedItem): string {
  if (line !== null) return `line ${line}`;
  return item === null ? "not in the manifest any more" : `item ${item}`;
}

/** A prompt on one line, cut where it is long. */
export function shortPrompt(prompt: string | null): string {
  const text = (prompt ?? "").replace(/\s+/g, " ").trim();
  return text.length <= PROMPT_LENGTH ? text : `${text.slice(0, PROMPT_LENGTH - 1).trimEnd()}…`;
}

const PROMPT_LENGTH = 120;

function free({ items, reused, reused_images, saved }: BatchReport): string {
  const told = `${number(items.existing)} archived before, ${number(reused)} by the same recipe`;
  return reused === 0 ? told : `${told}: ${moneyOr(saved, reused_images)} saved`;
}

function moneyOr(money: Money | null, images: number): string {
  return money === null ? `${number(images)} images` : formatMoney(money);
}

/** What else is to be known, as name and value. */
export function details(report: BatchReport): [string, string][] {
  const { items, budget, seconds_to_nearest_loss: seconds } = report;
  const max = budget.max_images === null ? "no limit" : `of ${number(budget.max_images)}`;
  return [
    ["Batch", report.batch],
    ["Manifest", report.manifest],
    ...(report.schedule === null ? [] : [["Schedule", report.schedule] as [string, string]]),
    ["Begun", report.created_at],
    ["Finished", report.finished_at ?? "not yet"],
    [
      "Items",
      `${number(items.total)}: ${number(items.accepted)} new, ${number(items.retried)} tried again, ${number(items.existing)} archived before, ${number(items.owned_elsewhere)} under way elsewhere, ${number(items.duplicates)} duplicates, ${number(items.invalid)} invalid`,
    ],
    ["Budget", `${number(budget.committed_images)} images, ${max}`],
    [
      "Nearest loss",
      seconds === null
        ? "none: every image that was paid for is archived"
        : `in ${formatDuration(Math.max(0, seconds) * 1000)}`,
    ],
  ];
}

/** 12,345. */
export function number(value: number): string {
  return value.toLocaleString("en");
}
