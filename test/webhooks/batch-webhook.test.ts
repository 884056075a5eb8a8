import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type App, createApp } from "../../src/app/app.ts";
import { createAssetLinks } from "../../src/app/asset-links.ts";
import { createLog } from "../../src/app/log.ts";
import { parseSettings } from "../../src/app/settings.ts";
import type { Batch } from "../../src/domain/batch.ts";
import { batchSidecarKey, parseBatchSidecar } from "../../src/domain/batch-sidecar.ts";
import { createBatchWebhookDelivery } from "../../src/webhooks/batch-webhook.ts";
import { answerOf, beginWith, newBatch, openTestCatalog, requestOf, type TestCatalog } from "../batches/run/support.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let place: TestCatalog;
let server: Server;
let app: App;
const heard: { id: string; body: string; headers: Record<string, string> }[] = [];
const answers: number[] = [];

beforeEach(async () => {
  place = await openTestCatalog();
  server = createServer(async (request, response) => {
    const headers = request.headers as Record<string, string>;
    heard.push({ id: headers["webhook-id"] ?? "", body: await text(request), headers });
    response.writeHead(answers.shift() ?? 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  place.clock.at = Date.now();
  const { port } = server.address() as AddressInfo;
  const settings = parseSettings({
    STORAGE_URL: `file:${place.folder}/archive`,
    WEBHOOK_SECRET: SECRET,
    PRIVATE_WEBHOOK_HOSTS: `127.0.0.1:${port}`,
  });
  const { catalog, clock } = place;
  const made = createApp({ settings, log: createLog({ level: "silent" }) });
  app = { ...made, catalog: () => catalog, clock: { ...made.clock, now: () => clock.at } };
  await beginWith(catalog, newBatch("b", { webhook_url: `http://127.0.0.1:${port}/hook?token=x` }), []);
  await catalog.batches.recordReport("b", { rest: "finished:1", key: "reports/b/report.html", result: { images: 3 } });
});

afterEach(async () => {
  heard.length = answers.length = 0;
  await app.close();
  server.close();
  await place[Symbol.asyncDispose]();
});

function batch(): Batch {
  return place.catalog.batches.find("b") as Batch;
}

test("of two workers one tells, signed, with the report and where it lies; and nobody tells again", async () => {
  await Promise.all([createBatchWebhookDelivery(app)(batch()), createBatchWebhookDelivery(app)(batch())]);
  await createBatchWebhookDelivery(app)(batch());
  expect(heard).toHaveLength(1);
  const [message] = heard as [(typeof heard)[0]];
  const body = new Webhook(SECRET).verify(message.body, message.headers);
  expect(body).toMatchObject({
    type: "batch.finished",
    data: { images: 3, report: expect.stringContaining("report.html") },
  });
  expect(place.catalog.batches.listOpen()).toEqual([]);
  // so does a catalog that is rebuilt from the store
  const key = batchSidecarKey("b");
  expect(parseBatchSidecar((await app.store().get(key)) ?? Buffer.alloc(0), key)).toMatchObject({
    batch: { notified_key: "finished:1" },
  });
});

test("the message names the first images with their addresses, and the address of the report", async () => {
  const { catalog } = place;
  await beginWith(catalog, newBatch("c", { webhook_url: batch().webhook_url }), [requestOf("r")]);
  await catalog.batches.recordReport("c", { rest: "finished:1", key: "reports/c/report.html", result: { images: 1 } });
  const reservation = await catalog.reserveCall("r", { n: 1, seed: 7 });
  if (reservation.kind !== "reserved") throw new Error(reservation.kind);
  await catalog.answerCall(reservation.call, answerOf(1));
  const digest = "a".repeat(64);
  const asset = { digest, key: "images/aa/a.png", bytes: 9, content_type: "image/png", width: 8, height: 8 } as const;
  await catalog.recordAsset({ request_id: "r", index: 0 }, { ...asset, archived_at: 1, phash: "0123456789abcdef" });
  await catalog.finish("r", { state: "archived" });
  const linked = {
    ...app,
    settings: { ...app.settings, http: { ...app.settings.http, publicUrl: "https://p.example/a/" } },
  };
  await createBatchWebhookDelivery({
    ...linked,
    linksAt: () => createAssetLinks({ base: "https://p.example/a/", signer: undefined }),
  })(catalog.batches.find("c") as Batch);
  const { data } = JSON.parse(heard[0]?.body ?? "") as { data: object };
  const url = `https://p.example/a/v1/assets/${digest}`;
  const { bytes: _, ...shown } = asset;
  expect(data).toMatchObject({
    report_url: "https://p.example/a/batches/c",
    assets: [{ ...shown, request_id: "r", index: 0, url: `${url}/content`, thumbnail_url: `${url}/thumbnail` }],
  });
});

test("a receiver that fails is tried again later, under the same id", async () => {
  answers.push(500);
  const tell = createBatchWebhookDelivery(app);
  await tell(batch());
  await tell(batch());
  expect(heard).toHaveLength(1);
  expect(place.catalog.batches.listOpen()).toHaveLength(1);
  place.clock.at += 60_000;
  await tell(batch());
  expect(heard.map(({ id }) => id)).toEqual([heard[0]?.id, heard[0]?.id]);
  expect(batch().notified_key).toBe("finished:1");
});

test("a receiver that wants no more is given up; the next rest is told to it all the same", async () => {
  answers.push(410);
  const tell = createBatchWebhookDelivery(app);
  await tell(batch());
  expect(batch().notified_key).toBe("finished:1");
  await place.catalog.batches.recordReport("b", { rest: "finished:2", key: "k", result: {} });
  await tell(batch());
  expect(new Set(heard.map(({ id }) => id)).size).toBe(2);
});
