// A worker that cannot keep does not buy: a store that cannot be written holds the fleet until it can be.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { getStatus } from "../../src/app/status.ts";
import { submit } from "../../src/app/submit.ts";
import { until } from "../queue/support.ts";
import { openBusyWorld } from "../support/world.ts";

test("no call is paid while the store cannot be written, status says why, and calls go on by themselves", async () => {
  const place = join(tmpdir(), `store-hold-${process.pid}`);
  // registered first, so it runs when nothing writes there any more
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  // a file where the folder should be
  await writeFile(place, "");
  const world = await openBusyWorld({ settings: { STORAGE_URL: `file:${place}/archive` } });
  const { request } = await submit(world.app, { prompt: "a red fox" });
  const status = () => getStatus(world.app, () => undefined);
  const held = await until(async () => ((await status()).store?.ok === false ? status() : undefined), "the hold");
  expect(held.store?.error).toMatchObject({ code: "store_unwritable", message: expect.stringContaining(place) });
  expect(held.gate).toMatchObject({ code: "store_unwritable" });
  expect(world.sandbox.bill().calls).toBe(0);

  await rm(place);
  await mkdir(place);
  await until(
    async () => (await world.app.catalog().find(request.request_id))?.request.state === "archived",
    "the request to be archived",
    60_000,
  );
  expect(world.sandbox.bill().paid_calls).toBe(1);
  expect((await status()).store).toEqual({ ok: true, error: null });
});
