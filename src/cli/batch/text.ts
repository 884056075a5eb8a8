// A batch as text for a person: `status --batch`, `bulk` and `wait --batch` show the same. Pure.

import { formatDuration, formatMoney } from "../../domain/units.ts";
import { archivedText } from "../../output/report/batch-archived.ts";
import type { BatchFailure } from "../../output/report/batch-report.ts";
import { placeOf, shortPrompt } from "../../output/report/batch-text.ts";
import type { BatchView } from "../../output/report/batch-view.ts";
import { bar } from "../live-view.ts";
import { plain } from "../text.ts";

/** A few lines that say how a batch stands. */
export function batchLines(view: BatchView): string[] {
  const { items, requests, budget, window } = view;
  const held = view.held_reason === null ? "" : ` by its ${view.held_reason}`;
  const facts: [string, string][] = [
    ["archived", archivedText(view.archived)],
    [
      "items",
      counts({
        total: items.total,
        new: items.accepted,
        "tried again": items.retried,
        "archived before": items.existing,
        "under way elsewhere": items.owned_elsewhere,
        duplicates: items.duplicates,
        invalid: items.invalid,
      }),
    ],
    ["state", counts({ ...requests })],
    [
      "images",
      `${number(budget.committed_images)} called for${budget.max_images === null ? "" : ` of at most ${number(budget.max_images)}`}${budget.committed === null ? "" : `, ${formatMoney(budget.committed)}`}`,
    ],
    ...(window === null
      ? []
      : [["window", `${window.daily} ${window.tz ?? ""}, ${windowNote(view)}`] as [string, string]]),
    ...(view.report === null ? [] : [["report", view.report] as [string, string]]),
  ];
  return [`${view.batch}  ${view.state}${held}`, ...facts.map(([name, value]) => `  ${name.padEnd(8)} ${value}`)];
}

/** What failed for one reason: how many, why, the first of them with their lines in the manifest, and what to do. */
export function failureLines(failure: BatchFailure): string[] {
  const { state, code, message, items, requests, remedy, redrive } = failure;
  const more = items - requests.length;
  return [
    `  ${number(items)} ${state} (${plain(code)}): ${plain(message)}`,
    ...requests.map((item) => `    ${placeOf(item)}: ${plain(shortPrompt(item.prompt))}  ${item.request_id}`),
    ...(more > 0 ? [`    … and ${number(more)} more`] : []),
    `    what to do: ${remedy}${redrive === null ? "" : `\n      ${redrive}`}`,
  ];
}

function windowNote({ window, held_reason }: BatchView): string {
  if (window === null) return "";
  return held_reason === "window" ? `opens ${window.opens_at}` : `closes ${window.closes_at}`;
}

function counts(all: Record<string, number>): string {
  const shown = Object.entries(all).filter(([, count]) => count > 0);
  return shown.length === 0 ? "none" : shown.map(([name, count]) => `${name} ${number(count)}`).join("  ");
}

/** One line for each batch of a list. */
export function batchLine(view: BatchView): string {
  const { requests } = view;
  const failed = requests.failed + requests.parked;
  const state = view.held_reason === null ? view.state : `held (${view.held_reason})`;
  return `${view.batch}  ${view.created_at.slice(0, 16)}  ${state}  archived ${archivedText(view.archived)}${failed === 0 ? "" : `  failed ${number(failed)}`}`;
}

/** What a follower remembers from one look to the next. */
export interface Pace {
  /** Items that ended, at a time (ms): the first look, and a recent one. */
  looks: { at: number; ended: number }[];
}

/** The rate is that of the last minute. */
const PACE_MS = 60_000;

/** Two lines of live progress: a bar, then rate, time left and money. */
export function progressLines(
  view: BatchView,
  { pace, now, columns }: { pace: Pace; now: number; columns: number },
): string[] {
  const { requests, budget } = view;
  const failed = requests.failed + requests.parked;
  const ended = requests.archived + failed + requests.cancelled;
  const left = requests.queued + requests.generating + requests.copying;
  pace.looks.push({ at: now, ended });
  while (pace.looks.length > 2 && now - (pace.looks[0]?.at ?? now) > PACE_MS) pace.looks.shift();
  const perMs = rateOf(pace);
  const { full, rest } = bar(ended + left === 0 ? 1 : ended / (ended + left), Math.min(40, Math.max(10, columns - 40)));
  const facts = [
    perMs > 0 ? `${(perMs * 60_000).toFixed(0)} a minute` : "",
    perMs > 0 && left > 0 ? `${formatDuration(left / perMs)} left` : "",
    `archived ${number(view.archived.items)}`,
    failed > 0 ? `failed ${number(failed)}` : "",
    budget.committed === null ? `${number(budget.committed_images)} images` : formatMoney(budget.committed),
    view.held_reason === null ? "" : `held by its ${view.held_reason}`,
  ];
  return [
    `${full}${rest}  ${number(ended)} of ${number(ended + left)}`,
    facts.filter((fact) => fact !== "").join(" · "),
  ];
}

function rateOf({ looks }: Pace): number {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at) return 0;
  return (last.ended - first.ended) / (last.at - first.at);
}

function number(value: number): string {
  return value.toLocaleString("en");
}
