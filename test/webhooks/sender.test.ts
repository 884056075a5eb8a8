import type { RequestListener } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createSender } from "../../src/webhooks/sender.ts";
import { closedOrigin, readBody, startHttp } from "../support/servers.ts";

const MESSAGE = { body: '{"a":1}', headers: { "content-type": "application/json", "webhook-id": "msg_1" } };
const signal = new AbortController().signal;

// long for a receiver that answers, however busy the machine; those who wait for the end of it say how long
function open({ privateHosts = ["127.0.0.1"], timeoutMs = 10_000 } = {}) {
  const sender = createSender({ privateHosts, timeoutMs });
  onTestFinished(() => sender.close());
  return sender;
}

async function send(handler: RequestListener, timeoutMs?: number) {
  const origin = await startHttp(handler);
  return open(timeoutMs === undefined ? {} : { timeoutMs }).send(`${origin}/hook?token=secret`, MESSAGE, { signal });
}

test("body and headers arrive as they are", async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const end = await send(async (incoming, answer) => {
    resolve({
      method: incoming.method,
      url: incoming.url,
      id: incoming.headers["webhook-id"],
      body: await readBody(incoming),
    });
    answer.writeHead(204).end();
  });
  expect(end).toEqual({ kind: "delivered" });
  expect(await promise).toEqual({ method: "POST", url: "/hook?token=secret", id: "msg_1", body: MESSAGE.body });
});

test.each([
  [200, "delivered"],
  [202, "delivered"],
  [301, "failed"],
  [308, "failed"],
  [400, "failed"],
  [404, "failed"],
  [410, "refused"],
  [429, "failed"],
  [500, "failed"],
])("an answer with status %i means %s", async (status, kind) => {
  let exchanges = 0;
  const end = await send((_, answer) => {
    exchanges++;
    answer.writeHead(status, { location: "/elsewhere" }).end();
  });
  expect(end.kind).toBe(kind);
  // a redirect above all is not followed
  expect(exchanges).toBe(1);
  expect(JSON.stringify(end)).not.toContain("secret");
});

test.each([
  ["120", 120_000],
  // past: as soon as our own schedule says
  ["Wed, 21 Oct 2015 07:28:00 GMT", 0],
  // a receiver that names a century is taken for an hour
  ["Wed, 21 Oct 2116 07:28:00 GMT", 3_600_000],
  ["-5", 0],
  ["see you at 3", undefined],
])("Retry-After %s is %s ms", async (value, ms) => {
  const end = await send((_, answer) => answer.writeHead(503, { "retry-after": value }).end());
  expect(end).toMatchObject({ kind: "failed" });
  expect((end as { retryAfterMs?: number }).retryAfterMs).toBe(ms);
});

test("a 200 whose body never ends is delivered all the same", async () => {
  expect(await send((_, answer) => void answer.writeHead(200).write("x"), 1_000)).toEqual({ kind: "delivered" });
});

test("a receiver that says nothing has failed after the time", async () => {
  expect(await send(() => undefined, 300)).toMatchObject({
    kind: "failed",
    error: expect.stringContaining("timed out"),
  });
});

test("a receiver that is away has failed", async () => {
  const end = await open().send(`${await closedOrigin()}/hook`, MESSAGE, { signal });
  expect(end).toMatchObject({ kind: "failed", error: expect.stringContaining("ECONNREFUSED") });
});

test.each([
  "http://127.0.0.1:1/",
  "http://[::ffff:127.0.0.1]/",
  "http://169.254.169.254/latest",
  "http://localhost/",
  "ftp://a/",
])("%s is refused for good, and names the setting that could allow it", async (url) => {
  const end = await open({ privateHosts: [] }).send(url, MESSAGE, { signal });
  expect(end.kind).toBe("refused");
  if (!url.startsWith("ftp")) expect(end).toMatchObject({ error: expect.stringContaining("PRIVATE_WEBHOOK_HOSTS") });
});
