// Requests over HTTP: accepted once, shown, waited for, cancelled, retried, leafed through.
import { describe, expect, test } from "vitest";
import { requestPageSchema, requestSchema, retriedSchema } from "../../src/server/schemas.ts";
import { errorOf, openBusyServed, openServed, type Served } from "./support.ts";

const view = async (answer: Response) => requestSchema.parse(await answer.json());

describe("accepting", () => {
  test("a request is 202 with its place, on record and in the queue before the answer", async () => {
    const { post, app } = await openServed();
    const answer = await post("/v1/requests", { prompt: "a fox", seed: 42, tags: ["x"], metadata: { a: [1, null] } });
    expect(answer.status).toBe(202);
    const request = await view(answer);
    expect(answer.headers.get("location")).toBe(`/v1/requests/${request.request_id}`);
    expect(request).toMatchObject({ state: "queued", seed: 42, steps: 20, tags: ["x"], metadata: { a: [1, null] } });
    expect(await app.catalog().find(request.request_id)).toBeDefined();
    const { generate } = await app.queues();
    expect(await generate.getJobState(`req-${request.request_id}`)).toBe("waiting");
  });

  test("the same again is 200 and changes nothing, other content is 409", async () => {
    const { post } = await openServed();
    const first = await view(await post("/v1/requests", { prompt: "a fox", request_id: "fox" }));
    const again = await post("/v1/requests", { prompt: "a fox", request_id: "fox", n: 1 });
    expect(again.status).toBe(200);
    expect(await view(again)).toEqual(first);
    const other = await post("/v1/requests", { prompt: "a wolf", request_id: "fox" });
    expect(other.status).toBe(409);
    expect(await errorOf(other)).toMatchObject({ code: "request_id_conflict", type: "conflict_error" });
  });

  test("Idempotency-Key is the request_id, and must not name another one than the body", async () => {
    const { post } = await openServed();
    const key = { "idempotency-key": "fox-1" };
    expect(await view(await post("/v1/requests", { prompt: "a fox" }, key))).toMatchObject({ request_id: "fox-1" });
    expect((await post("/v1/requests", { prompt: "a fox" }, key)).status).toBe(200);
    expect((await post("/v1/requests", { prompt: "a fox", request_id: "fox-1" }, key)).status).toBe(200);
    expect((await post("/v1/requests", { prompt: "a wolf" }, key)).status).toBe(409);
    const differs = await post("/v1/requests", { prompt: "a fox", request_id: "fox-2" }, key);
    expect(differs.status).toBe(422);
    expect(await errorOf(differs)).toMatchObject({ param: "request_id" });
    expect((await post("/v1/requests", { prompt: "a fox" }, { "idempotency-key": "no:good" })).status).toBe(422);
  });

  test("every fault is named at once", async () => {
    const { post } = await openServed();
    const answer = await post("/v1/requests", { promt: "a fox", n: 9, seed: 1.5, webhook_url: "ftp://x" });
    expect(answer.status).toBe(422);
    const error = await errorOf(answer);
    expect(error.faults?.map((fault) => fault.field)).toEqual(["prompt", "n", "seed", "webhook_url", "promt"]);
    expect(error.faults?.at(-1)?.message).toContain("did you mean prompt?");
  });
});

describe("showing and waiting", () => {
  test("wait answers when the request has ended, with its calls and assets", async () => {
    const { post, ask } = await openBusyServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "fox", n: 2 });
    const request = await view(await ask("/v1/requests/fox?wait=20s"));
    expect(request).toMatchObject({
      state: "archived",
      calls: [{ state: "answered" }],
      assets: [{ index: 0 }, { index: 1 }],
    });
    expect(await view(await ask("/v1/requests/fox"))).toEqual(request);
  });

  test("wait answers when the time is over, with the request as it is", async () => {
    const { post, ask } = await openServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "fox" });
    const begun = performance.now();
    expect(await view(await ask("/v1/requests/fox?wait=300ms"))).toMatchObject({ state: "queued" });
    expect(performance.now() - begun).toBeGreaterThan(290);
  });

  test("a request that is cancelled meanwhile ends the wait", async () => {
    const { post, ask } = await openServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "fox" });
    const waiting = ask("/v1/requests/fox?wait=20s");
    await ask("/v1/requests/fox", { method: "DELETE" });
    expect(await view(await waiting)).toMatchObject({ state: "cancelled" });
  });
});

describe("cancelling and retrying", () => {
  test("a queued request is cancelled, its job is gone, and once more is no error", async () => {
    const { post, ask, app } = await openServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "fox" });
    const answer = await ask("/v1/requests/fox", { method: "DELETE" });
    expect(answer.status).toBe(200);
    expect(await view(answer)).toMatchObject({ state: "cancelled" });
    const { generate } = await app.queues();
    expect(await generate.getJobState("req-fox")).toBe("unknown");
    expect((await ask("/v1/requests/fox", { method: "DELETE" })).status).toBe(200);
  });

  test("one whose call is out is paid: 409 says so; one that has ended: 409 says that", async () => {
    const { post, ask, app } = await openServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "paid" });
    await app.catalog().reserveCall("paid", { n: 1, seed: 1 });
    const paid = await ask("/v1/requests/paid", { method: "DELETE" });
    expect(paid.status).toBe(409);
    expect(await errorOf(paid)).toMatchObject({ code: "already_paid", param: "paid" });
    await post("/v1/requests", { prompt: "a wolf", request_id: "ended" });
    await fail({ app }, "ended");
    const ended = await ask("/v1/requests/ended", { method: "DELETE" });
    expect(ended.status).toBe(409);
    expect(await errorOf(ended)).toMatchObject({ code: "already_ended" });
  });

  test("a retry says whether it pays, and 409 when there is nothing to retry", async () => {
    const { post, app } = await openServed();
    await post("/v1/requests", { prompt: "a fox", request_id: "fox" });
    const queued = await post("/v1/requests/fox/retry", {});
    expect(queued.status).toBe(409);
    expect(await errorOf(queued)).toMatchObject({ code: "not_retryable" });
    await fail({ app }, "fox");
    const answer = await post("/v1/requests/fox/retry", {});
    expect(answer.status).toBe(202);
    expect(retriedSchema.parse(await answer.json())).toMatchObject({
      request_id: "fox",
      pays: true,
      stage: "generate",
      request: { state: "queued" },
    });
  });
});

async function fail({ app }: Pick<Served, "app">, id: string): Promise<void> {
  await app.catalog().finish(id, { state: "failed", error: { code: "attempts_exhausted", message: "gave up" } });
}

describe("leafing through", () => {
  test("pages come newest first, without a gap or a repeat, also while requests are added", async () => {
    const { post, ask } = await openServed();
    const ids = Array.from({ length: 7 }, (_, index) => `r-${index}`);
    for (const request_id of ids) await post("/v1/requests", { prompt: "p", request_id });
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 10; page++) {
      const query = `limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const { data, next_cursor } = requestPageSchema.parse(await (await ask(`/v1/requests?${query}`)).json());
      seen.push(...data.map((one) => one.request_id));
      await post("/v1/requests", { prompt: "p", request_id: `late-${page}` });
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    expect(seen).toEqual([...ids].reverse());
  });

  test("filters", async () => {
    const { post, ask } = await openServed();
    await post("/v1/requests", { prompt: "p", request_id: "a", collection: "one" });
    await post("/v1/requests", { prompt: "p", request_id: "b", collection: "two" });
    await ask("/v1/requests/b", { method: "DELETE" });
    const idsOf = async (query: string) => {
      const page = requestPageSchema.parse(await (await ask(`/v1/requests?${query}`)).json());
      return page.data.map((one) => one.request_id);
    };
    expect(await idsOf("collection=one")).toEqual(["a"]);
    expect(await idsOf("state=cancelled")).toEqual(["b"]);
    expect(await idsOf("state=cancelled&collection=one")).toEqual([]);
    expect(await idsOf("batch=night")).toEqual([]);
  });

  test.each([
    ["state=done", "state"],
    ["sate=queued", "sate"],
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=many", "limit"],
    ["cursor=nonsense", "cursor"],
    [`cursor=${Buffer.from('{"created_at":"x"}').toString("base64url")}`, "cursor"],
  ])("%s is 422 for %s", async (query, field) => {
    const { ask } = await openServed();
    const answer = await ask(`/v1/requests?${query}`);
    expect(answer.status).toBe(422);
    expect(await errorOf(answer)).toMatchObject({ code: "invalid_request", param: field });
  });
});
