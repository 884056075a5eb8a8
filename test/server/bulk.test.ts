// Bulk: any number of lines in, a line out for each, whatever they hold and however slowly they are read.
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, onTestFinished, test } from "vitest";
import { bulkLineSchema } from "../../src/server/schemas.ts";
import { openServed, type Served } from "./support.ts";

const NDJSON = { "content-type": "application/x-ndjson" };

async function bulk({ post }: Served, lines: unknown[]) {
  const body = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const answer = await post("/v1/requests/bulk", body, NDJSON);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await answer.text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => bulkLineSchema.parse(JSON.parse(line)));
}

test("a line for each line, in order; a bad line harms only itself", async () => {
  const served = await openServed();
  const answers = await bulk(served, [
    { prompt: "a fox", request_id: "fox" },
    "",
    "{ no json",
    { prompt: "a wolf", n: 9, request_id: "wolf" },
    { prompt: "a bear" },
    { prompt: "another fox", request_id: "fox" },
    { prompt: "a fox", request_id: "fox" },
    "[]",
    "x".repeat(1024 * 1024 + 1),
    { prompt: "the last" },
  ]);
  expect(answers).toMatchObject([
    { line: 1, request_id: "fox", state: "queued" },
    { line: 3, request_id: null, error: { code: "invalid_json" } },
    { line: 4, request_id: "wolf", error: { code: "invalid_request", faults: [{ field: "n" }] } },
    { line: 5, request_id: expect.any(String), state: "queued" },
    { line: 6, request_id: "fox", error: { code: "request_id_conflict" } },
    { line: 7, request_id: "fox", state: "queued" },
    { line: 8, request_id: null, error: { code: "invalid_request" } },
    { line: 9, request_id: null, error: { code: "line_too_long" } },
    { line: 10, request_id: expect.any(String), state: "queued" },
  ]);
  expect([...served.app.catalog().listRequests()]).toHaveLength(3);
});

test("what was answered is on record and in the queue", async () => {
  const served = await openServed();
  const answers = await bulk(
    served,
    Array.from({ length: 1_500 }, (_, index) => ({ prompt: `picture ${index}` })),
  );
  const recorded = new Set([...served.app.catalog().listRequests()].map((one) => one.request_id));
  expect(new Set(answers.map((one) => one.request_id))).toEqual(recorded);
  expect(recorded.size).toBe(1_500);
  const { generate } = await served.app.queues();
  expect(await generate.getWaitingCount()).toBe(1_500);
});

test("answers come while the upload is still going on", async () => {
  const { upload, lines } = await openConversation(await openServed());
  upload.write('{"prompt":"one"}\n{"prom');
  expect(await lines.next()).toMatchObject({ value: expect.stringContaining('"line":1') });
  upload.write('pt":"two"}\n');
  expect(await lines.next()).toMatchObject({ value: expect.stringContaining('"line":2') });
  upload.end('{"prompt":"three"}');
  expect(await lines.next()).toMatchObject({ value: expect.stringContaining('"line":3') });
  expect(await lines.next()).toMatchObject({ done: true });
});

test("who breaks off keeps what was answered", async () => {
  const served = await openServed();
  const { upload, lines } = await openConversation(served);
  upload.write('{"prompt":"one","request_id":"one"}\n{"prompt":"two","request_id":"t');
  await lines.next();
  upload.destroy();
  expect([...served.app.catalog().listRequests()].map((one) => one.request_id)).toEqual(["one"]);
  expect((await served.ask("/healthz")).status).toBe(200);
});

/** An upload whose answer is read line by line. */
async function openConversation(served: Served) {
  const { upload, answer } = await openUpload(served);
  return { upload, lines: createInterface({ input: answer })[Symbol.asyncIterator]() };
}

async function openUpload({ url }: Served) {
  const upload = httpRequest(`${url}/v1/requests/bulk`, { method: "POST", headers: NDJSON, agent: false });
  upload.on("error", () => undefined);
  onTestFinished(() => void upload.destroy());
  upload.flushHeaders();
  const [answer] = (await once(upload, "response")) as [IncomingMessage];
  answer.on("error", () => undefined);
  return { upload, answer };
}

test("a reader who does not read stops the upload, and memory stays flat", async () => {
  const served = await openServed();
  const { upload, answer } = await openUpload(served);
  answer.pause();
  // lines that are refused at once: what is measured is the stream, not the catalog
  const line = `${JSON.stringify({ prompt: 1, note: "x".repeat(200) })}\n`;
  const piece = line.repeat(200);
  const pieces = 4_000;
  let sent = 0;
  async function* source() {
    for (; sent < pieces; sent++) yield piece;
  }
  const before = process.memoryUsage().rss;
  const uploading = pipeline(Readable.from(source()), upload).catch(() => undefined);
  await untilStill(() => sent);
  expect(sent).toBeLessThan(pieces / 2);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  // others are served meanwhile
  expect((await served.ask("/healthz")).status).toBe(200);
  let lines = 0;
  answer.on("data", (bytes: Buffer) => {
    for (const byte of bytes) if (byte === 0x0a) lines++;
  });
  answer.resume();
  const target = sent + 100;
  await until(() => sent >= Math.min(target, pieces));
  expect(lines).toBeGreaterThan(0);
  upload.destroy();
  await uploading;
}, 60_000);

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Until a figure has not changed for a second. */
async function untilStill(figure: () => number): Promise<void> {
  let last = figure();
  let since = Date.now();
  await until(() => {
    if (figure() !== last) {
      last = figure();
      since = Date.now();
    }
    return last > 0 && Date.now() - since > 1_000;
  });
}
