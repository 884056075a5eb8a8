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

/** The same filter here and by HTTP: counted and priced first, then done. */
test.each(["here", "by HTTP"])("retry by collection, state, code and words, with a price first, %s", async (way) => {
  const desk = await openDesk({ PRICE_PER_IMAGE: "0.02 USD" });
  const catalog = desk.app.catalog();
  const fail = async (request_id: string, code: string, fields: object) => {
    await addRequest(desk, { prompt: `a ${request_id}`, request_id, ...fields });
    await addFailedCall(desk, request_id, "refused");
    await catalog.finish(request_id, { state: "failed", error: { code, message: code } });
  };
  await fail("fox", "http_503", { collection: "posters", n: 4 });
  await fail("cat", "http_503", { collection: "posters" });
  await fail("dog", "content_policy", { collection: "posters" });
  await fail("owl", "http_503", { collection: "other" });
  await addRequest(desk, { prompt: "a fetchable", request_id: "fetchable", collection: "posters" });
  await addFailedCopy(desk, "fetchable", Date.now() + HOUR_MS);
  const flags = way === "here" ? [] : ["--url", await serve(desk)];
  const retry = (...args: string[]) => desk.run(["retry", ...args, ...flags]);
  const dry = await retry("--collection", "posters", "--dry-run", "--json");
  expect(JSON.parse(dry.out)).toEqual({
    ...{ action: "retry", dry_run: true, requests: 4, pays: 3, images: 6, not_retryable: 0 },
    price: { amount: 0.12, currency: "USD" },
  });
  const piped = await retry("--code", "http_503");
  expect([piped.code, piped.err]).toEqual([2, expect.stringContaining("--yes")]);
  expect(piped.err).toContain("3 requests to be retried: 3 are called for (6 images, 0.12 USD), 0 at no cost");
  expect((await catalog.find("cat"))?.request.state).toBe("failed");
  const done = await retry("--collection", "posters", "--code", "http_503", "--search", "fox", "--yes");
  expect(done.out).toBe("1 request retried: 1 are called for (4 images, 0.08 USD), 0 at no cost\n");
  expect((await catalog.find("fox"))?.request.state).toBe("queued");
  expect(await (await desk.app.queues()).generate.getJobState("req-fox")).toMatch(/waiting|prioritized/);
  expect((await catalog.find("cat"))?.request.state).toBe("failed");
  expect(JSON.parse((await retry("--state", "parked", "--dry-run", "--json")).out)).toMatchObject({ requests: 0 });
});
