import { expect, test } from "vitest";
import { newBatch } from "../batches/run/support.ts";
import { accept, found, openTestCatalog } from "./support.ts";

test("events that were given up are pending again, and delivered ones are not", async () => {
  const catalog = await openTestCatalog();
  await accept(catalog, "fox", { webhook_url: "https://hooks.test/x" });
  await catalog.finish("fox", { state: "failed", error: { code: "x", message: "x" } });
  const event = (await found(catalog, "fox")).webhooks[0]?.event_id ?? "";
  expect(await catalog.resendWebhooks("fox")).toEqual([]);
  await catalog.recordDelivery(event, { state: "failed", error: "410" });
  expect(await catalog.resendWebhooks("fox")).toEqual([event]);
  expect([...catalog.listPendingWebhooks()]).toEqual([[event]]);
  await catalog.recordDelivery(event, { state: "delivered" });
  expect(await catalog.resendWebhooks("fox")).toEqual([]);
});

test("the webhook of a batch is owed its last report again", async () => {
  const catalog = await openTestCatalog();
  await catalog.batches.start({ ...newBatch("b"), webhook_url: "https://hooks.test/x" });
  await catalog.batches.endEnqueuing("b");
  await catalog.batches.recordReport("b", { rest: "finished:1", key: "r", result: null });
  await catalog.batches.markNotified("b", "finished:1");
  expect(await catalog.batches.claimNotification("b", 1)).toBeUndefined();
  await catalog.batches.resend("b");
  expect(await catalog.batches.claimNotification("b", 1)).toBe(1);
});
