import { readdir } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { toAnswerRecord } from "../../src/pipeline/answer-record.ts";
import { createSpool } from "../../src/storage/spool.ts";
import { startHttp } from "../support/servers.ts";
import {
  declareDead,
  killAt,
  openWorld,
  type Process,
  runArchiveJobs,
  startProcess,
  type World,
  work,
} from "./world.ts";

const PROMPT = { request_id: "r", prompt: "a fox", n: 2, seed: 7 };

/** A world whose API answers with these bodies, the last one again and again. */
async function openAnswering(bodies: (string | Buffer)[], settings: Parameters<typeof openWorld>[0] = {}) {
  let calls = 0;
  const answer: RequestListener = (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(bodies[Math.min(calls++, bodies.length - 1)]);
  };
  const origin = await startHttp(answer);
  const world = await openWorld(settings);
  const answering: World = { ...world, sandbox: { ...world.sandbox, url: `${origin}/v1` } };
  return { world: answering, calls: () => calls };
}

const spooled = (process: Process) => readdir(process.spoolFolder).catch(() => []);

test("an answer that cannot be read is on disk before its call is closed, and named by it", async () => {
  const { world } = await openAnswering(['{"strange":"answer"}'], { settings: { unknownCallPolicy: "park" } });
  const process = await startProcess(world);
  expect(await process.generate(PROMPT)).toMatchObject({ kind: "parked" });
  const { calls } = (await process.catalog.find("r")) ?? {};
  expect(calls).toMatchObject([{ state: "unknown", answer_file: "r.1.answer", error: { code: "malformed_answer" } }]);
  expect(calls?.[0]?.error?.message).toContain('{"strange":"answer"}');
  const spool = createSpool({ folder: process.spoolFolder });
  expect(String(await spool.read("r.1.answer"))).toBe('{"strange":"answer"}');
  expect(process.catalog.isSpoolFileDone("r.1.answer")).toBe(false);
});

test("a kill between disk and record loses nothing: the file is tied to its call later", async () => {
  const { world } = await openAnswering(['{"strange":"answer"}']);
  const trap = killAt("spool");
  const killed = await startProcess(world, trap);
  void killed.generate(PROMPT);
  await trap.reached;
  declareDead(world, killed);
  const process = await startProcess(world);
  await process.catalog.settleAllDeadCalls();
  expect((await process.catalog.find("r"))?.calls).toMatchObject([{ state: "unknown", answer_file: null }]);
  expect(process.catalog.isSpoolFileDone("r.1.answer")).toBe(false);
  await process.catalog.adoptAnswerFile("r.1.answer");
  expect((await process.catalog.find("r"))?.calls).toMatchObject([{ state: "unknown", answer_file: "r.1.answer" }]);
});

test("twenty unreadable answers are not bought: the second one holds all, a page of HTML too", async () => {
  for (const body of ['{"strange":"answer"}', "<!doctype html><p>hello", ""]) {
    const { world, calls } = await openAnswering([body]);
    const process = await startProcess(world);
    for (let index = 0; index < 20; index++)
      await process.generate({ ...PROMPT, request_id: `r-${index}`, seed: index }, { jobId: `${index}` });
    expect(calls()).toBe(2);
    expect(await spooled(process)).toHaveLength(body === "" ? 0 : 2);
    expect(await process.generate({ ...PROMPT, request_id: "one-more", seed: 99 })).toMatchObject({
      kind: "wait",
      scope: "fleet",
    });
  }
});

const IMAGE_REFUSED = { error: { code: "OutputImageSensitiveContentDetected", message: "the image is sensitive" } };

/** A real image, as base64. */
async function paint(world: World, seed: number): Promise<string> {
  const reply = await fetch(`${world.sandbox.url}/images/generations`, {
    method: "POST",
    headers: { authorization: "Bearer key", "content-type": "application/json" },
    body: JSON.stringify({ model: "Qwen/Qwen-Image", prompt: "a fox", seed, response_format: "b64_json" }),
  });
  return ((await reply.json()) as { data: { b64_json: string }[] }).data[0]?.b64_json ?? "";
}

test("of two images the refused one is never paid for again, and the other is kept", async () => {
  const painted = await paint(await openWorld(), 1);
  for (const refusal of [
    IMAGE_REFUSED,
    { finish_reason: "CONTENT_FILTERED" },
    { code: "DataInspectionFailed", message: "m" },
  ]) {
    const { world, calls } = await openAnswering([JSON.stringify({ data: [{ b64_json: painted }, refusal] })]);
    const process = await startProcess(world);
    await work(world, process, PROMPT);
    expect(calls()).toBe(1);
    const detail = await process.catalog.find("r");
    expect(detail?.request).toMatchObject({
      state: "failed",
      error: { message: expect.stringMatching(/^1 of 2 images/) },
    });
    expect(detail?.assets).toHaveLength(1);
  }
});

test("an image that was refused for want of money holds all, and is asked for again", async () => {
  const painted = await paint(await openWorld(), 1);
  const poor = { data: [{ b64_json: painted }, { error: { code: "Arrearage", message: "top up" } }] };
  const { world, calls } = await openAnswering([JSON.stringify(poor)]);
  const process = await startProcess(world);
  expect(await process.generate(PROMPT)).toMatchObject({ kind: "wait", scope: "fleet" });
  expect(await world.gate.acquire({ signal: new AbortController().signal })).toMatchObject({ admitted: false });
  expect(calls()).toBe(1);
});

test("an answer that is read again completes its request at no cost, whatever has become of it", async () => {
  const painted = await Promise.all([1, 2].map((seed) => openWorld().then((world) => paint(world, seed))));
  for (const policy of ["park", "retry"] as const) {
    const { world, calls } = await openAnswering(["?", "?"], { settings: { unknownCallPolicy: policy } });
    const process = await startProcess(world);
    await process.generate(PROMPT);
    const before = await process.catalog.find("r");
    const [call] = before?.calls ?? [];
    if (before === undefined || call === undefined) throw new Error("there is no call");
    const answer = {
      created: 1_790_000_000,
      images: painted.map((text) => ({ bytes: Buffer.from(text.split(",").at(-1) ?? "", "base64") })),
    };
    const whole = { ...answer, usage: null, http_status: 200, api_request_id: null };
    const record = toAnswerRecord(before, { call, answer: whole, urlLifetimeMs: 1_000 });
    for (const { name, bytes } of record.spooled) await createSpool({ folder: process.spoolFolder }).write(name, bytes);
    expect((await process.catalog.recordReread(call, record)).request).toMatchObject({ state: "copying", error: null });
    expect(process.catalog.isSpoolFileDone("r.1.answer")).toBe(true);
    await process.generate(PROMPT);
    await runArchiveJobs(world, process);
    expect((await process.catalog.find("r"))?.request.state).toBe("archived");
    expect(calls()).toBe(1);
  }
});
