import { expect, test } from "vitest";
import { createSpoolOf } from "../../src/app/app.ts";
import { reread } from "../../src/app/request-actions.ts";
import { submit } from "../../src/app/submit.ts";
import { openWorld } from "../support/world.ts";

const FAILURE = {
  class: "transient",
  code: "malformed_answer",
  message: "m",
  http_status: 200,
  api_request_id: null,
  retry_after_ms: null,
} as const;

test("an answer that was kept unread is read again, goes on to be copied, and is let go of", async () => {
  const { app } = await openWorld();
  const { request } = await submit(app, { prompt: "a fox", request_id: "r", n: 2 });
  const catalog = app.catalog();
  const reserved = await catalog.reserveCall("r", { n: 2, seed: request.recipe?.seed ?? 0 });
  if (reserved.kind !== "reserved") throw new Error(reserved.kind);
  expect(await reread(app, "r")).toMatchObject({ reread: false, missing: 2 });
  const spool = createSpoolOf(app.settings);
  await spool.write(
    "r.1.answer",
    Buffer.from('{"data":[{"url":"https://i.test/1.png"},{"url":"https://i.test/2.png"},{"ur'),
  );
  await catalog.closeCall(reserved.call, { state: "unknown", failure: FAILURE, spend: true, answerFile: "r.1.answer" });
  await catalog.finish("r", { state: "parked", error: FAILURE });
  expect(await reread(app, "r")).toEqual({ reread: true, images: 2, missing: 0, state: "copying", reason: null });
  expect((await catalog.find("r"))?.calls).toMatchObject([{ state: "answered" }]);
  expect(await spool.list()).toEqual([]);
  expect(await reread(app, "r")).toMatchObject({ reread: false, state: "copying" });
  expect(await reread(app, "nobody")).toBeUndefined();
});
