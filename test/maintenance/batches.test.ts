// What a worker does for batches ends with it: no webhook goes out once the catalog is closed.
import { createServer, type ServerResponse } from "node:http";
import { afterEach, expect, onTestFinished, test } from "vitest";
import type { Batch } from "../../src/domain/batch.ts";
import { createBatchMaintenance } from "../../src/maintenance/batches.ts";
import { beginWith, newBatch } from "../batches/run/support.ts";
import { start } from "../support/servers.ts";
import { openWorld } from "../support/world.ts";

const held: ServerResponse[] = [];
afterEach(() => void held.splice(0));

async function openToldBatch(receive: (response: ServerResponse) => void) {
  const { promise: called, resolve } = Promise.withResolvers<void>();
  const url = await start(
    createServer((_, response) => {
      resolve();
      receive(response);
    }),
  );
  const { app } = await openWorld({ PRIVATE_WEBHOOK_HOSTS: new URL(url).host });
  const { batches } = app.catalog();
  await beginWith(app.catalog(), newBatch("b", { webhook_url: `${url}/hook` }), []);
  await batches.recordReport("b", { rest: "finished:1", key: "reports/b/report.html", result: {} });
  return { app, called, batch: () => batches.find("b") as Batch };
}

test("a webhook of a batch that is on its way when the worker stops is waited for", async () => {
  const { app, called, batch } = await openToldBatch((response) => void setTimeout(() => response.end(), 500));
  const care = createBatchMaintenance(app);
  await care.run();
  await called;
  expect(batch().notified_key).toBeNull();
  await care.stop();
  expect(batch().notified_key).toBe(batch().reported);
});

test("one whose receiver hangs is stopped, costs no try, and is due again at once", async () => {
  const { app, called, batch } = await openToldBatch((response) => void held.push(response));
  const failures: unknown[] = [];
  const onUnhandled = (error: unknown) => void failures.push(error);
  process.on("unhandledRejection", onUnhandled);
  onTestFinished(() => void process.off("unhandledRejection", onUnhandled));
  const care = createBatchMaintenance(app);
  await care.run();
  await called;
  await care.stop();
  expect(batch().notified_key).toBeNull();
  expect(await app.catalog().batches.claimNotification("b", Date.now() + 1_000)).toBe(2);
  await app.close();
  expect(failures).toEqual([]);
});
