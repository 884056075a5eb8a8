// The demo while it runs, as lines for a terminal: one for each request, and a bar with the figures. Pure.
import { formatDuration, formatSize } from "../../domain/units.ts";
import { bar, spinner } from "../live-view.ts";
import { cut, pad, plain, style, widthOf } from "../text.ts";
import { findSurprise, isOver, type Standing, sum } from "./outcome.ts";

export interface ViewOptions {
  columns: number;
  rows: number;
  nowMs: number;
  elapsedMs: number;
}

interface Sign {
  mark: string;
  color: "green" | "cyan" | "yellow" | "red" | "gray";
  text: string;
}

const TITLE = "A dozen prompts, four at a time, against the sandbox: 0.6 to 1.5 s a call";

/** All lines, each narrower than the terminal, no more than it has rows. */
export function toDemoLines(standings: readonly Standing[], options: ViewOptions): string[] {
  const room = Math.max(1, options.rows - 6);
  const hidden = Math.max(0, standings.length - room);
  const lines = pick(standings, standings.length - hidden).map((standing) => toLine(standing, options));
  const more = hidden === 0 ? [] : [style("gray", `  … and ${hidden} more`)];
  const title = cut(`  ${TITLE}`, options.columns - 1);
  return [style("bold", title), "", ...lines, ...more, "", ...toFooter(standings, options)];
}

// where not all of them fit, those that are over go first
function pick(standings: readonly Standing[], room: number): readonly Standing[] {
  if (standings.length <= room) return standings;
  const chosen = new Set([...standings].sort((a, b) => Number(isOver(a)) - Number(isOver(b))).slice(0, room));
  return standings.filter((standing) => chosen.has(standing));
}

const WIDE_COLUMNS = 76;
const STATE_WIDTH = 33;
const NARROW_STATE_WIDTH = 16;

function toLine(standing: Standing, { columns, nowMs }: ViewOptions): string {
  const { prompt, detail } = standing;
  const sign = toSign(standing, nowMs);
  const wide = columns >= WIDE_COLUMNS;
  const { aspect_ratio = "1:1", n = 1 } = prompt.submission;
  const shape = wide ? `  ${pad(aspect_ratio, 5, "right")} ×${n}  ` : "  ";
  const stateWidth = wide ? STATE_WIDTH : Math.min(NARROW_STATE_WIDTH, Math.floor(columns / 3));
  const number = String(prompt.number).padStart(2);
  const promptWidth = Math.max(8, columns - 1 - 8 - widthOf(shape) - stateWidth);
  const waits = detail.request.state === "queued" && detail.request.error === null;
  const words = pad(plain(prompt.submission.prompt), promptWidth);
  const state = cut(sign.text, stateWidth);
  return `  ${style(sign.color, sign.mark)} ${style("gray", number)}  ${waits ? style("gray", words) : words}${style("gray", shape)}${style(sign.color, state)}`;
}

function toSign(standing: Standing, nowMs: number): Sign {
  const { detail, prompt } = standing;
  const { state, reused_from, error } = detail.request;
  if (isOver(standing) && findSurprise(standing) !== undefined)
    return { mark: "!", color: "red", text: `${state}: not as planned` };
  if (state === "archived") {
    const how = reused_from === null ? took(standing) : `like no. ${prompt.expect.reusedFrom}, no call`;
    return { mark: "✔", color: "green", text: `archived  ${how}` };
  }
  if (state === "failed") return { mark: "✖", color: "yellow", text: `failed as planned: ${whyShort(error?.code)}` };
  if (detail.calls.some((call) => call.state === "sent"))
    return {
      mark: spinner(nowMs),
      color: "cyan",
      text: detail.calls.length > 1 ? "calling the API again" : "calling the API",
    };
  if (state === "copying") return toCopying(standing, nowMs);
  if (error !== null) return { mark: "↻", color: "yellow", text: `${error.code}, soon again` };
  if (state === "queued") return { mark: "·", color: "gray", text: "in the queue" };
  return { mark: spinner(nowMs), color: "cyan", text: "at work" };
}

function toCopying({ detail }: Standing, nowMs: number): Sign {
  const done = detail.images.filter((image) => image.digest !== null).length;
  const text = detail.images.length === 1 ? "copying the image" : `copying ${done} of ${detail.images.length} images`;
  return { mark: spinner(nowMs), color: "cyan", text };
}

function took({ detail }: Standing): string {
  const { created_at, archived_at } = detail.request;
  const calls = detail.calls.length > 1 ? `, ${detail.calls.length} calls` : "";
  return `${formatDuration((archived_at ?? created_at) - created_at)}${calls}`;
}

// the words of a code, short enough for a column
function whyShort(code = "unknown"): string {
  return code
    .replace(/_violation$/, "")
    .replace(/^(.+)_not_found$/, "no such $1")
    .replaceAll("_", " ");
}

function toFooter(standings: readonly Standing[], { columns, elapsedMs }: ViewOptions): string[] {
  const sums = sum(standings);
  const refused = sums.refused === 0 ? "" : ` (${sums.refused} refused)`;
  const figures = [
    `${sums.over}/${sums.requests}`,
    `calls ${sums.calls}${refused}`,
    `images ${sums.images}`,
    formatSize(sums.bytes),
    formatDuration(elapsedMs),
  ].join("   ");
  const width = Math.min(30, Math.max(6, columns - 8 - figures.length));
  const { full, rest } = bar(sums.over / sums.requests, width);
  // the bar's colours are put on last: a cut must not go through them
  const room = Math.max(0, columns - 1 - 4 - width - 2);
  return [`  ${style("green", full)}${style("gray", rest)}   ${cut(figures, room)}`];
}
