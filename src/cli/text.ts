// Text for a terminal: how wide it is, how it is cut, how columns stand under each other. Pure.
import { stripVTControlCharacters, styleText } from "node:util";
import { toSafeLine, withoutUnsafe } from "../domain/terminal-text.ts";

// East Asian wide and full-width characters, and pictures: two columns each
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** How many columns a text takes; colours take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** The text in one line that does nothing to a terminal: a prompt may hold anything, escape sequences too. */
export function plain(text: string): string {
  return withoutUnsafe(stripVTControlCharacters(text)).trim();
}

/** A text in a colour or weight; what could steer a terminal is escaped first. */
export function style(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, toSafeLine(text));
}

/** At most `width` columns, the end replaced by an ellipsis. The text must hold no colours. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += columnsOf(character);
    if (used > width) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** Exactly `width` columns: cut, or filled up. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const shown = cut(text, width);
  const filling = " ".repeat(Math.max(0, width - widthOf(shown)));
  return align === "left" ? shown + filling : filling + shown;
}

/** One column of a table. The one that may `shrink` gives way where the terminal is narrow. */
export interface Column {
  title: string;
  align?: "left" | "right";
  shrink?: boolean;
}

/** Below this no column shrinks: a line that wraps says more than four letters. */
const SHRUNK_MIN_WIDTH = 16;
const GAP = "  ";

/** The lines of a table, the titles first. `width` is the terminal's, undefined where there is none. */
export function toTable(columns: readonly Column[], rows: readonly string[][], width: number | undefined): string[] {
  const safe = rows.map((row) => row.map(toSafeLine));
  const widths = columns.map((column, index) =>
    safe.reduce((most, row) => Math.max(most, widthOf(row[index] ?? "")), widthOf(column.title)),
  );
  shrink(columns, widths, width);
  const toLine = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? "", widths[index] ?? 0, align))
      .join(GAP)
      .trimEnd();
  return [toLine(columns.map(({ title }) => title)), ...safe.map(toLine)];
}

function shrink(columns: readonly Column[], widths: number[], width: number | undefined): void {
  const at = columns.findIndex((column) => column.shrink);
  const total = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
  if (width === undefined || at < 0 || total <= width) return;
  widths[at] = Math.max(SHRUNK_MIN_WIDTH, (widths[at] ?? 0) - (total - width));
}
