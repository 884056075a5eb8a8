import { expect, test } from "vitest";
import { addFailedCall, addFailedCopy, addRequest, openDesk, serve } from "./requests.ts";

const HOUR_MS = 3_600_000;

/** The same answers from the catalog here and from a server. */
test.each(["here", "by HTTP"])("retry says who pays, %s", async (way) => {
  const desk = await openDesk();
  for (const request_id of ["expired", "fetchable", "refused", "queued"])
    await addRequest(desk, { prompt: request_id, request_id });
  await addFailedCopy(desk, "expired", Date.now() - HOUR_MS);
  await addFailedCopy(desk, "fetchable", Date.now() + HOUR_MS);
  await addFailedCall(desk, "refused", "refused");
  await desk.app.catalog().finish("refused", { state: "failed", error: { code: "content_policy", message: "no" } });
  const flags = way === "here" ? [] : ["--url", await serve(desk)];
  const { code, out, err } = await desk.run(["retry", "expired", "fetchable", "refused", "queued", "nobody", ...flags]);
  expect(out.trim().split("\n")).toEqual([
    "expired retried: the API will be called and paid again for the same recipe",
    "fetchable retried, at no cost: its images can still be fetched",
    "refused retried: the API will be called for the same recipe; nothing was paid before",
  ]);
  expect(err).toMatch(/queued is queued/);
  expect(err).toMatch(/no request "nobody"/);
  expect(code).toBe(1);
  const { generate, archive } = await desk.app.queues();
  expect(await generate.getJobState("req-expired")).toBe("waiting");
  expect(await archive.getJobState("req-fetchable")).toMatch(/waiting|prioritized/);
  expect((await desk.app.catalog().find("expired"))?.request).toMatchObject({
    state: "queued",
    error: null,
    attempt: 0,
  });
});

test("retry --json prints a line for each request, and exits 0 when all are on their way", async () => {
  const desk = await openDesk();
  await addRequest(desk, { prompt: "a", request_id: "a" });
  await addFailedCopy(desk, "a", Date.now() - HOUR_MS);
  const { code, out } = await desk.run(["retry", "a", "--json"]);
  expect(JSON.parse(out)).toEqual({ request_id: "a", retried: true, pays: true, state: "queued" });
  expect(code).toBe(0);
});

test("retry of a parked request goes to the front again", async () => {
  const desk = await openDesk();
  await addRequest(desk, { prompt: "a", request_id: "a" });
  await addFailedCall(desk, "a", "unknown");
  await desk.app.catalog().finish("a", { state: "parked", error: { code: "call_reset", message: "nobody knows" } });
  const { code, out } = await desk.run(["retry", "a"]);
  expect(out).toContain("called and paid again");
  expect(code).toBe(0);
});
