// The client by HTTP, against the real server; and what it says when there is none, or another one.
import type { RequestListener } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createClient, type SubmissionInput } from "../../src/client.ts";
import { startServer } from "../../src/server/server.ts";
import { collect } from "../support/collect.ts";
import { closedOrigin, startHttp } from "../support/servers.ts";
import { openBusyWorld, openWorld, type World } from "../support/world.ts";

const WAIT_MS = 60_000;

async function serve(world: World) {
  const server = await startServer(world.app);
  onTestFinished(() => server.stop({ graceMs: 0 }));
  return server.url;
}

async function openClient(settings: Record<string, string> = {}) {
  const world = await openWorld({ PORT: "0", ...settings });
  const client = createClient({ url: await serve(world), token: "token-of-the-test" });
  return { ...world, client };
}

test("a request goes all the way, and wait brings its seed, calls and assets", async () => {
  const world = await openBusyWorld({ settings: { PORT: "0" } });
  const client = createClient({ url: await serve(world) });
  const accepted = await client.enqueue({ prompt: "a fox", n: 2, request_id: "fox" });
  expect(accepted).toMatchObject({ request_id: "fox", prompt: "a fox", collection: "default" });
  const found = await client.wait("fox", { timeoutMs: WAIT_MS });
  expect(found).toMatchObject({
    state: "archived",
    calls: [{ state: "answered" }],
    assets: [{ index: 0 }, { index: 1 }],
  });
  expect(await client.get("fox")).toEqual(found);
  expect(await client.wait("fox")).toEqual(found);
});

test("a request without an id gets one, and the same id with the same content is a no-op", async () => {
  const { client, app } = await openClient();
  const { request_id } = await client.enqueue({ prompt: "a fox" });
  expect(await client.enqueue({ prompt: "a fox", request_id })).toMatchObject({ request_id, state: "queued" });
  expect([...app.catalog().listRequests()]).toHaveLength(1);
});

test("other content under the same id is a conflict, and what does not fit is refused with every fault", async () => {
  const { client } = await openClient();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  await expect(client.enqueue({ prompt: "a wolf", request_id: "fox" })).rejects.toMatchObject({
    name: "RejectedError",
    code: "request_id_conflict",
  });
  await expect(client.enqueue({ prompt: "", n: 9 })).rejects.toMatchObject({
    code: "invalid_request",
    faults: [{ field: "prompt" }, { field: "n" }],
  });
});

test("what is not there is undefined to get, and an error to the others", async () => {
  const { client } = await openClient();
  expect(await client.get("nobody")).toBeUndefined();
  for (const verb of ["wait", "cancel", "retry"] as const)
    await expect(client[verb]("nobody")).rejects.toMatchObject({ code: "request_not_found" });
});

test("wait ends at its timeout, and at once with its signal", async () => {
  const { client } = await openClient();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  await expect(client.wait("fox", { timeoutMs: 100 })).rejects.toMatchObject({ code: "wait_timeout" });
  const controller = new AbortController();
  const waiting = client.wait("fox", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("a bulk goes in, and names those that do not fit or conflict", async () => {
  const { client, app } = await openClient();
  await client.enqueue({ prompt: "other", request_id: "taken" });
  async function* requests(): AsyncGenerator<SubmissionInput> {
    yield { prompt: "", request_id: "bad" };
    yield { prompt: "c", request_id: "taken" };
    for (let index = 2; index < 250; index++) yield { prompt: `picture ${index}`, request_id: `p-${index}` };
  }
  const results = await collect(client.enqueueBulk(requests(), { chunkSize: 100 }));
  expect(results.map((one) => one.index)).toEqual(Array.from({ length: 250 }, (_, index) => index));
  expect(results.filter((one) => !one.ok)).toMatchObject([
    { request_id: "bad", error: { code: "invalid_request", faults: [{ field: "prompt" }] } },
    { request_id: "taken", error: { code: "request_id_conflict" } },
  ]);
  expect([...app.catalog().listRequests()]).toHaveLength(249);
});

test("find walks over all pages", async () => {
  const { client } = await openClient();
  const requests = Array.from({ length: 230 }, (_, index) => ({
    prompt: "p",
    request_id: `r-${index}`,
    collection: "c",
  }));
  await collect(client.enqueueBulk([...requests, { prompt: "p", collection: "other" }]));
  const found = await collect(client.find({ collection: "c", state: "queued" }));
  expect(new Set(found.map((one) => one.request_id))).toEqual(new Set(requests.map((one) => one.request_id)));
  expect(found).toHaveLength(230);
  expect(await collect(client.find({ state: "archived" }))).toEqual([]);
  const byAll = { text: "pr*", tag: ["no", "such"], min_bytes: "1KB", deleted: true, sort: "oldest" } as const;
  expect(await collect(client.find(byAll))).toEqual([]);
  expect((await collect(client.find({ collection: "c", sort: "oldest" }))).map((one) => one.request_id)).toEqual(
    found.map((one) => one.request_id).toReversed(),
  );
});

test("cancel cancels what waits, once more is no error, and says when it is too late", async () => {
  const { client, app } = await openClient();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  const cancelled = { request_id: "fox", cancelled: true, paid: false, state: "cancelled" };
  expect(await client.cancel("fox")).toEqual(cancelled);
  expect(await client.cancel("fox")).toEqual(cancelled);
  await client.enqueue({ prompt: "a wolf", request_id: "wolf" });
  await app.catalog().reserveCall("wolf", { n: 1, seed: 1 });
  expect(await client.cancel("wolf")).toEqual({
    request_id: "wolf",
    cancelled: false,
    paid: true,
    state: "generating",
  });
});

test("retry says whether it pays, and when there is nothing to retry", async () => {
  const { client, app } = await openClient();
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  expect(await client.retry("fox")).toMatchObject({ retried: false, state: "queued" });
  await app.catalog().finish("fox", { state: "failed", error: { code: "content_policy", message: "no" } });
  expect(await client.retry("fox")).toEqual({
    request_id: "fox",
    retried: true,
    pays: true,
    again: false,
    state: "queued",
  });
});

test("a wrong token is a ConfigError that does not show it", async () => {
  const { client } = await openClient({ API_TOKENS: "another-token" });
  await expect(client.get("fox")).rejects.toMatchObject({
    name: "ConfigError",
    message: expect.not.stringContaining("token-of-the-test"),
  });
});

test("the right token is let in", async () => {
  const { client } = await openClient({ API_TOKENS: "another-token,token-of-the-test" });
  expect(await client.enqueue({ prompt: "a fox" })).toMatchObject({ state: "queued" });
});

test("a server that is away is a clear error, soon", async () => {
  const client = createClient({ url: await closedOrigin() });
  const away = { name: "TransientError", code: "server_unreachable" };
  await expect(client.get("fox")).rejects.toMatchObject(away);
  await expect(client.wait("fox")).rejects.toMatchObject(away);
  await expect(client.enqueue({ prompt: "a" })).rejects.toMatchObject(away);
  await expect(client.enqueueBulk([{ prompt: "a" }]).next()).rejects.toMatchObject(away);
});

async function standIn(handler: RequestListener, timeoutMs = 10_000) {
  return createClient({ url: await startHttp(handler), timeoutMs });
}

test("a server that never answers is a clear error after the time", async () => {
  const client = await standIn(() => undefined, 300);
  await expect(client.get("fox")).rejects.toMatchObject({
    code: "server_unreachable",
    message: expect.stringContaining("300 ms"),
  });
});

test.each([
  [200, "<html>", "TransientError", "bad_answer"],
  [302, "", "ConfigError", "http_302"],
  [403, "", "ConfigError", "http_403"],
  [429, JSON.stringify({ error: { code: "rate_limited", message: "slow" } }), "WaitError", "rate_limited"],
  [500, "<html>", "TransientError", "http_500"],
  [418, "", "RejectedError", "http_418"],
])("an answer with status %s and body %j is a %s", async (status, body, name, code) => {
  const client = await standIn((_, answer) => answer.writeHead(status, { location: "/elsewhere" }).end(body));
  await expect(client.get("fox")).rejects.toMatchObject({ name, code });
});

test("an enqueue is tried again under the same id when the answer was lost", async () => {
  const world = await openWorld({ PORT: "0" });
  const url = await serve(world);
  let exchanges = 0;
  const proxy = await startHttp((incoming, answer) => {
    exchanges++;
    const lost = exchanges === 1;
    const forward = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const headers = { "content-type": "application/json" };
      const reply = await fetch(url + incoming.url, { method: "POST", headers, body: Buffer.concat(chunks) });
      const text = await reply.text();
      if (lost) answer.destroy();
      else answer.writeHead(reply.status, headers).end(text);
    };
    void forward();
  });
  const accepted = await createClient({ url: proxy }).enqueue({ prompt: "a fox" });
  expect(exchanges).toBe(2);
  expect([...world.app.catalog().listRequests()].map((one) => one.request_id)).toEqual([accepted.request_id]);
});

test("a bulk whose answer is cut short is sent again, and nothing is lost or doubled", async () => {
  const world = await openWorld({ PORT: "0" });
  const url = await serve(world);
  let exchanges = 0;
  const proxy = await startHttp((incoming, answer) => {
    const lost = ++exchanges === 1;
    const forward = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const headers = { "content-type": "application/x-ndjson" };
      const reply = await fetch(url + incoming.url, { method: "POST", headers, body: Buffer.concat(chunks) });
      const text = await reply.text();
      answer.writeHead(reply.status, headers).end(lost ? text.slice(0, text.indexOf("\n") + 1) : text);
    };
    void forward();
  });
  const requests = Array.from({ length: 5 }, (_, index) => ({ prompt: `picture ${index}` }));
  const results = await collect(createClient({ url: proxy }).enqueueBulk(requests));
  expect(results.map((one) => one.ok)).toEqual([true, true, true, true, true]);
  expect(exchanges).toBe(2);
  expect([...world.app.catalog().listRequests()]).toHaveLength(5);
});

test("wait survives a server that is gone for a moment", async () => {
  const world = await openWorld({ PORT: "0" });
  const first = await startServer(world.app);
  const client = createClient({ url: first.url });
  await client.enqueue({ prompt: "a fox", request_id: "fox" });
  const waiting = client.wait("fox", { timeoutMs: WAIT_MS });
  await client.get("fox");
  await first.stop({ graceMs: 0 });
  const settings = { ...world.app.settings, http: { ...world.app.settings.http, port: first.port } };
  const second = await startServer({ ...world.app, settings });
  onTestFinished(() => second.stop({ graceMs: 0 }));
  await client.cancel("fox");
  expect(await waiting).toMatchObject({ state: "cancelled" });
});

test.each([
  ["120", 120_000],
  ["Wed, 21 Oct 2015 07:28:00 GMT", 0],
  ["Wed, 21 Oct 2116 07:28:00 GMT", 3_600_000],
  ["soon", undefined],
  ["", undefined],
])("Retry-After %s of a 429 is %s ms", async (value, retryAfterMs) => {
  const url = await startHttp((_, response) => response.writeHead(429, { "retry-after": value }).end("{}"));
  const refused = createClient({ url }).get("fox");
  await expect(refused).rejects.toMatchObject({ name: "WaitError", code: "http_429", retryAfterMs });
});
