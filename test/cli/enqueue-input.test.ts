// What `enqueue` takes from standard input and from its flags: nothing is changed on the way, and what cannot be kept is refused.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openDesk, serve } from "./requests.ts";
import { PROGRAM } from "./support.ts";

const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

test.each([
  ["Latin-1", Buffer.from('{"prompt":"caf\xe9"}', "latin1"), /wanted UTF-8/],
  [
    "a large integer",
    '{"prompt":"a","metadata":{"id":1234567890123456789}}',
    /metadata\.id: .*got 1234567890123456789/,
  ],
  ["a name twice", '{"prompt":"a","prompt":"b"}', /prompt: wanted each name once/],
  ["a __proto__", '{"prompt":"a","metadata":{"__proto__":1}}', /metadata\.__proto__: /],
  ["100 levels", `{"prompt":"a","metadata":${nested(100)}}`, /metadata: wanted at most 64 levels/],
  ["3,300 levels", `{"prompt":"a","metadata":${nested(3_300)}}`, /metadata: wanted at most 64 levels/],
  ["4,400 levels", `{"prompt":"a","metadata":${nested(4_400)}}`, /metadata: wanted at most 64 levels/],
  ["300,000 levels", `{"prompt":"a","metadata":${nested(300_000)}}`, /metadata: wanted at most 64 levels/],
])("standard input with %s is refused with 2, here and at a server", async (_, input, message) => {
  const desk = await openDesk();
  for (const flags of [[], ["--url", await serve(desk)]]) {
    const { code, err } = await desk.run(["enqueue", "-", ...flags], { input });
    expect(err).toMatch(message);
    expect(code).toBe(2);
  }
  expect(desk.app.catalog().counts().requests.queued).toBe(0);
});

test("standard input may be UTF-16 with a byte order mark", async () => {
  const desk = await openDesk();
  const { code, out } = await desk.run(["enqueue", "-", "--json"], {
    input: Buffer.from('\ufeff{"prompt":"café 🦊"}', "utf16le"),
  });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ prompt: "café 🦊" });
});

test.each([
  [["--metadata", '{"id":1234567890123456789}'], /metadata\.id: .*larger ones as text.*got 1234567890123456789/],
  [["--metadata", '{"a":1,"a":2}'], /metadata\.a: wanted each name once/],
  [["--metadata", nested(300)], /metadata: wanted at most 64 levels/],
  [["--seed", "1234567890123456789"], /seed: .*got "1234567890123456789"/],
  [["--seed", "1.23457E+12x"], /seed: .*got "1\.23457E\+12x"/],
  [["--tag", "a\ufffd"], /tags: wanted UTF-8 on the command line/],
])("flags that cannot be kept are refused with 2: %s", async (flags, message) => {
  const desk = await openDesk();
  const { code, err } = await desk.run(["enqueue", "a fox", ...flags]);
  expect(err).toMatch(message);
  expect(code).toBe(2);
});

test("a prompt on the command line that is not UTF-8 is refused", async () => {
  const desk = await openDesk();
  const script = `exec "$0" "$1" enqueue $'caf\\xe9'`;
  const child = spawn("bash", ["-c", script, process.execPath, PROGRAM], {
    env: { ...desk.env, PATH: process.env.PATH },
  });
  expect(await text(child.stderr)).toMatch(/prompt: wanted UTF-8/);
  expect(desk.app.catalog().counts().requests.queued).toBe(0);
});
