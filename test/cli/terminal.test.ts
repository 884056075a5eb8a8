// Whatever a prompt, a tag, an API or a foreign store holds: no command writes anything that steers a terminal.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addCall, addFailedCall, addRequest, type Desk, openDesk } from "./requests.ts";

/** A title, a cleared screen, the clipboard, 8-bit sequences, bidi controls, a line that is overwritten. */
const HOSTILE =
  "\u001b]0;evil\u0007\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u009b2J\u009d0;evil\u009c\u202exof\u202c\u2066\ra\u0085b\u2028c";
const STEERS = /[\p{Cc}--[\t\n]]|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/v;

async function openHostileDesk(): Promise<Desk> {
  const desk = await openDesk();
  const own = { collection: `c${HOSTILE}`, tags: [`t${HOSTILE}`], metadata: { [HOSTILE]: HOSTILE } };
  for (const request_id of ["queued", "unknown", "failed"])
    await addRequest(desk, { prompt: `fox ${HOSTILE}`, negative_prompt: HOSTILE, request_id, ...own });
  await addFailedCall(desk, "unknown", "unknown");
  await desk.app.catalog().finish("unknown", { state: "parked", error: { code: "call_reset", message: HOSTILE } });
  const call = await addCall(desk, "failed");
  const failure = {
    class: "transient",
    code: HOSTILE,
    message: HOSTILE,
    http_status: null,
    api_request_id: HOSTILE,
    retry_after_ms: null,
  } as const;
  await desk.app.catalog().closeCall(call, { state: "unknown", failure, spend: true });
  await desk.app.catalog().finish("failed", { state: "failed", error: { code: HOSTILE, message: HOSTILE } });
  await desk.app.catalog().indexTexts();
  return desk;
}

const COMMANDS = [
  ["catalog", "search", "fox"],
  ["catalog", "list"],
  ["catalog", "show", "failed"],
  ["catalog", "show", HOSTILE],
  ["catalog", "export"],
  ["status"],
  ["status", "failed"],
  ["status", "unknown"],
  ["ledger"],
  ["ledger", "--unknown"],
  ["wait", "failed"],
  ["retry", "nobody", HOSTILE],
  ["cancel", "nobody", HOSTILE],
  ["enqueue", "a fox", "--tag", HOSTILE, "--seed", HOSTILE],
  ["enqueue", "a fox", `--${HOSTILE}`],
  [HOSTILE],
  ["bulk", HOSTILE],
  ["plan", "hostile.yaml"],
  ["plan", "hostile.jsonl"],
  ["bulk", "hostile.csv"],
  ["schedule", "add", HOSTILE, "hostile.csv"],
] as const;

test("no command does, in its text or its JSON", async () => {
  const desk = await openHostileDesk();
  await writeFile(
    join(desk.folder, "hostile.jsonl"),
    `${JSON.stringify({ prompt: HOSTILE, [HOSTILE]: 1, seed: HOSTILE })}\n`,
  );
  await writeFile(
    join(desk.folder, "hostile.yaml"),
    `items:\n  - prompt: ${JSON.stringify(HOSTILE)}\n    ${JSON.stringify(HOSTILE)}: 1\n`,
  );
  await writeFile(join(desk.folder, "hostile.csv"), `prompt,"${HOSTILE}"\nfox,"${HOSTILE}"\n`);
  for (const command of COMMANDS) {
    const words = command.map((word) => (word.startsWith("hostile.") ? join(desk.folder, word) : word));
    for (const args of [words, [...words, "--json"]]) {
      const { out, err } = await desk.run(args);
      const steered = [out, err].flatMap((text) => text.split("\n")).filter((line) => STEERS.test(line));
      expect([args, steered]).toEqual([args, []]);
      if (out.startsWith("{")) for (const line of out.trim().split("\n")) JSON.parse(line);
    }
  }
});

test("nor does what reads a foreign store, before and after a rebuild", async () => {
  const desk = await openHostileDesk();
  const { storage } = desk.app.settings;
  if (storage.kind !== "directory") throw new Error("the store is a directory here");
  await mkdir(join(storage.path, "images/aa"), { recursive: true });
  await writeFile(join(storage.path, `images/aa/${HOSTILE.replaceAll("/", "")}.png`), "x");
  await mkdir(join(storage.path, "requests/2026/01/01"), { recursive: true });
  await writeFile(join(storage.path, "requests/2026/01/01/bad.json"), `{"version":1,"${HOSTILE.slice(4)}":1`);
  await writeFile(join(storage.path, `requests/2026/01/01/${HOSTILE.replaceAll("/", "")}.json`), "{}");
  await desk.app.close();
  for (const args of [
    ["catalog", "verify"],
    ["catalog", "rebuild"],
    ["catalog", "rebuild", "--yes"],
    ["status"],
    ["doctor", "--deep"],
  ]) {
    const { out, err } = await desk.run(args);
    const steered = [out, err].flatMap((text) => text.split("\n")).filter((line) => STEERS.test(line));
    expect([args, steered.map((line) => line.replaceAll("\u001b", "ESC"))]).toEqual([args, []]);
  }
});
