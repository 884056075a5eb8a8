// Webhooks end to end: a real worker, a real receiver that checks signatures with the specification's own library.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Webhook as Verifier } from "standardwebhooks";
import { expect, onTestFinished, test } from "vitest";
import { cancel, retry } from "../../src/app/request-actions.ts";
import { submit } from "../../src/app/submit.ts";
import { startWorker } from "../../src/app/worker.ts";
import { toRequestView } from "../../src/output/report/request-view.ts";
import { reconcileWebhooks } from "../../src/queue/webhook-jobs.ts";
import type { WebhookBody } from "../../src/webhooks/message.ts";
import { readBody, startHttp } from "../support/servers.ts";
import { openBusyWorld, openWorld, type World } from "../support/world.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const SETTINGS = { WEBHOOK_SECRET: SECRET, PRIVATE_WEBHOOK_HOSTS: "127.0.0.1" };
const SOON_MS = 60_000;

interface Message {
  headers: Record<string, string>;
  text: string;
  body: WebhookBody;
}

/** A receiver that answers each message by `answer`, by default with 204. */
async function receive(
  answer: (response: ServerResponse, message: Message) => void = (response) => void response.writeHead(204).end(),
) {
  const messages: Message[] = [];
  const origin = await startHttp(async (incoming: IncomingMessage, response) => {
    const text = await readBody(incoming);
    const message = {
      headers: incoming.headers as Record<string, string>,
      text,
      body: JSON.parse(text) as WebhookBody,
    };
    messages.push(message);
    answer(response, message);
  });
  return { messages, url: `${origin}/hook?token=t0ken` };
}

async function eventsOf({ app }: World, id: string) {
  return (await app.catalog().find(id))?.webhooks ?? [];
}

test("an archived request is told once, signed, with the whole request", async () => {
  const world = await openBusyWorld({ settings: SETTINGS });
  const { messages, url } = await receive();
  await submit(world.app, { prompt: "a fox", request_id: "fox", webhook_url: url });
  await expect.poll(() => messages.length, { timeout: SOON_MS }).toBe(1);
  const [{ headers, text, body }] = messages as [Message];
  expect(new Verifier(SECRET).verify(text, headers)).toEqual(body);
  expect(headers["webhook-id"]).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(body).toMatchObject({
    type: "request.archived",
    data: { request_id: "fox", state: "archived", assets: [{ index: 0 }] },
  });
  await expect.poll(async () => (await eventsOf(world, "fox"))[0]?.state, { timeout: SOON_MS }).toBe("delivered");
  const detail = await world.app.catalog().find("fox");
  expect(detail && toRequestView(detail).webhook).toEqual({
    url: new URL(url).origin,
    events: [
      {
        event_id: headers["webhook-id"],
        event: "archived",
        state: "delivered",
        attempts: 1,
        last_error: null,
        delivered_at: expect.any(String),
      },
    ],
  });
});

test("the message carries the addresses of the images: below PUBLIC_URL, signed; none without", async () => {
  const settings = { ...SETTINGS, PUBLIC_URL: "https://pictures.example.com/archive", API_TOKENS: "token-a" };
  const served = await openBusyWorld({ settings });
  const plain = await openBusyWorld({ settings: SETTINGS });
  const [one, two] = [await receive(), await receive()];
  await submit(served.app, { prompt: "a fox", webhook_url: one.url });
  await submit(plain.app, { prompt: "a fox", webhook_url: two.url });
  await expect.poll(() => [one.messages.length, two.messages.length], { timeout: SOON_MS }).toEqual([1, 1]);
  const [asset] = one.messages[0]?.body.data.assets ?? [];
  const { digest = "" } = asset ?? {};
  const base = `https://pictures.example.com/archive/v1/assets/${digest}`;
  expect(asset).toMatchObject({
    url: `${base}/content?signature=${served.app.urlSigner.sign(digest, "content")}`,
    thumbnail_url: `${base}/thumbnail?signature=${served.app.urlSigner.sign(digest, "thumbnail")}`,
  });
  expect(two.messages[0]?.body.data.assets[0]).toMatchObject({ url: null, thumbnail_url: null });
});

test("with two secrets both verify; with none nothing is signed", async () => {
  const other = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
  const signed = await openBusyWorld({ settings: { ...SETTINGS, WEBHOOK_SECRET: `${SECRET},${other}` } });
  const unsigned = await openBusyWorld({ settings: { ...SETTINGS, WEBHOOK_SECRET: "" } });
  const [one, two] = [await receive(), await receive()];
  await submit(signed.app, { prompt: "a fox", webhook_url: one.url });
  await submit(unsigned.app, { prompt: "a fox", webhook_url: two.url });
  await expect.poll(() => [one.messages.length, two.messages.length], { timeout: SOON_MS }).toEqual([1, 1]);
  const [{ text, headers }] = one.messages as [Message];
  for (const secret of [SECRET, other]) expect(new Verifier(secret).verify(text, headers)).toBeTruthy();
  expect(two.messages[0]?.headers["webhook-signature"]).toBeUndefined();
});

test.each([
  ["failed", { forceStatus: 400 }, {}],
  ["parked", { malformedRate: 1 }, { UNKNOWN_CALL_POLICY: "park" }],
] as const)("a request that is %s is told", async (state, sandbox, settings) => {
  const world = await openBusyWorld({ settings: { ...SETTINGS, ...settings }, sandbox });
  const { messages, url } = await receive();
  await submit(world.app, { prompt: "a fox", webhook_url: url });
  await expect.poll(() => messages.length, { timeout: SOON_MS }).toBe(1);
  expect(messages[0]?.body).toMatchObject({
    type: `request.${state}`,
    data: { state, error: { code: expect.any(String) } },
  });
});

test("a receiver that fails is tried again under the same id, and stays on record", async () => {
  const world = await openBusyWorld({ settings: SETTINGS });
  const { messages, url } = await receive(
    (response) => void response.writeHead(messages.length === 1 ? 500 : 200).end(),
  );
  await submit(world.app, { prompt: "a fox", request_id: "fox", webhook_url: url });
  await expect
    .poll(async () => (await eventsOf(world, "fox"))[0], { timeout: SOON_MS })
    .toMatchObject({
      state: "pending",
      attempts: 1,
      last_error: expect.stringMatching(/answered 500/),
    });
  const [event] = await eventsOf(world, "fox");
  expect(event?.last_error).not.toContain("t0ken");
  const detail = await world.app.catalog().find("fox");
  expect(detail && toRequestView(detail).webhook?.url).toBe(new URL(url).origin);
  expect(event?.last_error).not.toContain(new URL(url).pathname);
  const { webhook } = await world.app.queues();
  const job = await webhook.getJob(event?.event_id ?? "");
  await expect.poll(() => job?.isDelayed(), { timeout: SOON_MS }).toBe(true);
  await job?.promote();
  await expect.poll(async () => (await eventsOf(world, "fox"))[0]?.state, { timeout: SOON_MS }).toBe("delivered");
  expect(messages.map((one) => one.headers["webhook-id"])).toEqual([event?.event_id, event?.event_id]);
});

test("an address that is private is given up at once, and the request is archived all the same", async () => {
  const world = await openBusyWorld({ settings: { ...SETTINGS, PRIVATE_WEBHOOK_HOSTS: "" } });
  const { messages, url } = await receive();
  await submit(world.app, { prompt: "a fox", request_id: "fox", webhook_url: url });
  await expect
    .poll(async () => (await eventsOf(world, "fox"))[0], { timeout: SOON_MS })
    .toMatchObject({
      state: "failed",
      last_error: expect.stringContaining("PRIVATE_WEBHOOK_HOSTS"),
    });
  expect((await world.app.catalog().find("fox"))?.request.state).toBe("archived");
  expect(messages).toEqual([]);
});

test("a cancelled request is told, and a request that is retried has a second event of its own", async () => {
  const world = await openWorld(SETTINGS);
  const webhook_url = "https://example.com/hook";
  await submit(world.app, { prompt: "a fox", request_id: "fox", webhook_url });
  await cancel(world.app, "fox");
  await submit(world.app, { prompt: "a wolf", request_id: "wolf", webhook_url });
  const error = { code: "content_policy", message: "no" };
  await world.app.catalog().finish("wolf", { state: "failed", error });
  await retry(world.app, "wolf");
  await world.app.catalog().finish("wolf", { state: "failed", error });
  expect((await eventsOf(world, "fox")).map((one) => one.event)).toEqual(["cancelled"]);
  const events = await eventsOf(world, "wolf");
  expect(events.map((one) => [one.number, one.event, one.state])).toEqual([
    [1, "failed", "pending"],
    [2, "failed", "pending"],
  ]);
  expect(events[0]?.event_id).not.toBe(events[1]?.event_id);
  const { webhook } = await world.app.queues();
  expect(await webhook.getJobState((await eventsOf(world, "fox"))[0]?.event_id ?? "")).toBe("waiting");
});

test("a request without a webhook has no events, and one that ends twice has one", async () => {
  const world = await openWorld(SETTINGS);
  await submit(world.app, { prompt: "a fox", request_id: "fox" });
  await cancel(world.app, "fox");
  expect(await eventsOf(world, "fox")).toEqual([]);
  await submit(world.app, { prompt: "a fox", request_id: "two", webhook_url: "https://example.com" });
  await cancel(world.app, "two");
  await cancel(world.app, "two");
  expect(await eventsOf(world, "two")).toHaveLength(1);
});

test("events that Redis has forgotten are put back, once, and those that are delivered are not", async () => {
  const world = await openWorld(SETTINGS);
  const catalog = world.app.catalog();
  for (const request_id of ["a", "b"]) {
    await submit(world.app, { prompt: "a fox", request_id, webhook_url: "https://example.com" });
    await catalog.finish(request_id, { state: "cancelled", error: { code: "cancelled", message: "" } });
  }
  const [told, untold] = [
    (await eventsOf(world, "a"))[0]?.event_id ?? "",
    (await eventsOf(world, "b"))[0]?.event_id ?? "",
  ];
  await catalog.recordDelivery(told, { state: "delivered" });
  await catalog.recordDelivery(told, { state: "failed", error: "too late" });
  expect([...catalog.listPendingWebhooks()]).toEqual([[untold]]);
  const { webhook } = await world.app.queues();
  expect(await reconcileWebhooks(webhook, [untold])).toBe(1);
  expect(await reconcileWebhooks(webhook, [untold])).toBe(0);
  expect(await webhook.count()).toBe(1);
  expect((await eventsOf(world, "a"))[0]).toMatchObject({ state: "delivered", attempts: 1 });
});

test("what ended with nobody to tell it is told by the next worker that starts", async () => {
  const { messages, url } = await receive();
  const world = await openWorld({ ...SETTINGS, IMAGE_API_KEY: "test" });
  await submit(world.app, { prompt: "a fox", request_id: "fox", webhook_url: url });
  await world.app.catalog().finish("fox", { state: "cancelled", error: { code: "cancelled", message: "" } });
  const worker = await startWorker(world.app);
  onTestFinished(async () => void (await worker.stop()));
  await expect.poll(() => messages.length, { timeout: SOON_MS }).toBe(1);
  expect(messages[0]?.body.type).toBe("request.cancelled");
});
