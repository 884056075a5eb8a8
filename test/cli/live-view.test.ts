import { describe, expect, test } from "vitest";
import { bar, createLiveView, createProgress } from "../../src/cli/live-view.ts";

/** A terminal of so many columns that does what the view asks for, and shows its lines. */
function openTerminal(columns: number) {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  const written: string[] = [];
  const type = (character: string) => {
    const line = lines[row] ?? "";
    lines[row] = line.slice(0, column).padEnd(column) + character + line.slice(column + 1);
    column += 1;
  };
  const obey = (argument: string, command: string) => {
    if (command === "A") row = Math.max(0, row - Number(argument || 1));
    if (command === "K") lines[row] = (lines[row] ?? "").slice(0, column);
    if (command === "J") {
      lines[row] = (lines[row] ?? "").slice(0, column);
      lines.length = row + 1;
    }
  };
  const newLine = () => {
    row += 1;
    column = 0;
    lines[row] ??= "";
  };
  const screen = {
    isTTY: true,
    columns,
    rows: 24,
    write: (text: string) => {
      written.push(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal understands
      for (const [, argument, command, character] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|([^\u001b])/g)) {
        if (command !== undefined) obey(argument ?? "", command);
        else if (character === "\n") newLine();
        else if (character === "\r") column = 0;
        else type(character ?? "");
      }
    },
  };
  return { screen, lines: () => lines.filter((line, index) => line !== "" || index < lines.length - 1), written };
}

describe("a live view", () => {
  test("draws in place: fewer lines leave nothing of the earlier ones behind", () => {
    const terminal = openTerminal(40);
    const view = createLiveView(terminal.screen);
    view.draw(["one", "two is longer", "three"]);
    view.draw(["1", "2"]);
    expect(terminal.lines()).toEqual(["1", "2"]);
  });

  test("a line above stays, and what is drawn moves below it", () => {
    const terminal = openTerminal(40);
    const view = createLiveView(terminal.screen);
    view.draw(["first", "second"]);
    view.above("a remark");
    view.draw(["first again", "second again"]);
    expect(terminal.lines()).toEqual(["a remark", "first again", "second again"]);
  });

  test("hides the cursor and gives it back, once", () => {
    const terminal = openTerminal(40);
    const view = createLiveView(terminal.screen);
    view.draw(["x"]);
    view.draw(["y"]);
    view.end();
    view.end();
    const all = terminal.written.join("");
    expect(all.split("\u001b[?25l")).toHaveLength(2);
    expect(all.split("\u001b[?25h")).toHaveLength(2);
  });

  test("goes up over lines that a narrower terminal has wrapped", () => {
    const terminal = openTerminal(40);
    const view = createLiveView(terminal.screen);
    view.draw(["x".repeat(35), "short"]);
    terminal.screen.columns = 20;
    terminal.written.length = 0;
    view.draw(["x"]);
    expect(terminal.written[0]).toContain("\u001b[3A");
  });

  test("draws nothing where there is no terminal", () => {
    const written: string[] = [];
    const view = createLiveView({ write: (text) => written.push(text) });
    view.draw(["one"]);
    view.above("two");
    view.end();
    const progress = createProgress({ write: (text) => written.push(text) });
    progress.show(() => "1 image");
    progress.end();
    expect(written).toEqual([]);
  });
});

test.each([
  [0, "", 10],
  [0.5, "━━━━━", 5],
  [1, "━━━━━━━━━━", 0],
  [7, "━━━━━━━━━━", 0],
])("a bar at %d is %j", (share, full, left) => {
  expect(bar(share, 10)).toEqual({ full, rest: "─".repeat(left) });
});
