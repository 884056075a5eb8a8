// Lines on a terminal that are drawn anew in place. On anything else nothing is drawn.
import { toSafeLine, toSafeStyledText } from "../domain/terminal-text.ts";
import { cut, widthOf } from "./text.ts";

/** The part of a terminal's stream that is needed. Some terminals say that they have 0 columns: they do not know. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Lines that replace those drawn before. */
export interface LiveView {
  /** How much room there is. */
  readonly columns: number;
  readonly rows: number;
  draw(lines: readonly string[]): void;
  /** Prints a line that stays, above what is redrawn. */
  above(line: string): void;
  /** Leaves what was drawn last where it is. Harmless on repeat. */
  end(): void;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/** From the cursor to the end of the screen. */
const CLEAR_BELOW = "\u001b[0J";
const CLEAR_LINE_END = "\u001b[K";

/** A view on `screen`. Whoever creates it ends it; should the process end first, the cursor comes back all the same. */
export function createLiveView(screen: Screen): LiveView {
  let drawn: readonly string[] = [];
  let started = false;
  const columns = () => screen.columns || 80;
  const showCursor = () => void screen.write(SHOW_CURSOR);
  const start = () => {
    started = true;
    screen.write(HIDE_CURSOR);
    process.once("exit", showCursor);
  };
  return {
    get columns() {
      return columns();
    },
    get rows() {
      return screen.rows || 24;
    },
    draw(given) {
      if (!screen.isTTY) return;
      const lines = given.map(toDrawnLine);
      if (!started) start();
      const text = lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join("");
      screen.write(`${toTop(drawn, columns())}${text}${CLEAR_BELOW}`);
      drawn = lines;
    },
    above(line) {
      if (!screen.isTTY) return;
      const rest = drawn;
      screen.write(`${toTop(rest, columns())}${CLEAR_BELOW}${toSafeStyledText(line)}\n`);
      drawn = [];
      if (rest.length > 0) this.draw(rest);
    },
    end() {
      if (!started) return;
      started = false;
      drawn = [];
      showCursor();
      process.off("exit", showCursor);
    },
  };
}

// a newline in it would put everything below one line too low
function toDrawnLine(line: string): string {
  return toSafeStyledText(line).replaceAll("\n", "\\n");
}

// a terminal that became narrower has wrapped what was drawn: it is higher now
function toTop(lines: readonly string[], columns: number): string {
  const height = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  return height === 0 ? "\r" : `\r\u001b[${height}A`;
}

/** A bar of `width` columns, filled as far as `share` (0 to 1). */
export function bar(share: number, width: number): { full: string; rest: string } {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return { full: "━".repeat(filled), rest: "─".repeat(width - filled) };
}

const FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** The sign of something under way, at this time (ms). */
export function spinner(nowMs: number): string {
  return FRAMES[Math.floor(nowMs / 80) % FRAMES.length] ?? "";
}

/** One line of progress on standard error, drawn again at most ten times a second; nothing in a pipe. */
export function createProgress(screen: Screen): { show(line: () => string): void; end(): void } {
  let shownAt = 0;
  return {
    show(line) {
      if (!screen.isTTY || Date.now() - shownAt < 100) return;
      shownAt = Date.now();
      screen.write(`\r${cut(toSafeLine(line()), (screen.columns || 80) - 1)}${CLEAR_LINE_END}`);
    },
    end() {
      if (shownAt > 0) screen.write(`\r${CLEAR_LINE_END}`);
    },
  };
}
