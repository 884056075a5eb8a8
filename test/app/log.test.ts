import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { createReadable } from "../../src/app/log.ts";

const HOSTILE = "\u001b]0;evil\u0007 \u009b2J \u202efox\u202c a\rb";
const SAFE = "\\u001b]0;evil\\u0007 \\u009b2J \\u202efox\\u202c a\\u000db";

test("a readable line has our colours, and nothing of what it quotes steers the terminal", () => {
  const line = JSON.stringify({ level: 40, time: 0, msg: HOSTILE, error: HOSTILE, [HOSTILE]: { deep: [HOSTILE] } });
  const readable = createReadable({ colorize: true })(`${line}\n`);
  expect(readable).toContain(SAFE);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  const withoutColors = readable.replace(/\u001b\[\d+m/g, "");
  expect(readable).not.toBe(withoutColors);
  expect(withoutColors).not.toMatch(/[\p{Cc}--\n]|\u202e/v);
});

test("a line for machines has escapes in place of what JSON leaves raw, and keeps its value", async () => {
  const log = new URL("../../src/app/log.ts", import.meta.url).href;
  const script = `const { createLog } = await import(${JSON.stringify(log)});
    createLog({ level: "info" }).info({ error: ${JSON.stringify(HOSTILE)} }, ${JSON.stringify(HOSTILE)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const [line] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(line).not.toMatch(/[\p{Cc}--\n]|\u202e/v);
  expect(JSON.parse(line)).toMatchObject({ msg: HOSTILE, error: HOSTILE });
});
