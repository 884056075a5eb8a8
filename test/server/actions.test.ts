import { expect, test } from "vitest";
import { actionResultSchema } from "../../src/server/schemas.ts";
import { errorOf, openServed } from "./support.ts";

test("a retry of what a filter finds is counted by a dry run, then done", async () => {
  const { post, app } = await openServed({ PRICE_PER_IMAGE: "0.5 USD" });
  await post("/v1/requests", { prompt: "a fox", request_id: "fox", n: 2 });
  await app.catalog().finish("fox", { state: "failed", error: { code: "http_503", message: "busy" } });
  const retry = { action: "retry", filter: { code: "http_503" } };
  const dry = actionResultSchema.parse(await (await post("/v1/actions", { ...retry, dry_run: true })).json());
  expect(dry).toMatchObject({ requests: 1, pays: 1, images: 2, price: { amount: 1, currency: "USD" } });
  expect((await app.catalog().find("fox"))?.request.state).toBe("failed");
  const done = actionResultSchema.parse(await (await post("/v1/actions", retry)).json());
  expect(done).toEqual({ ...dry, dry_run: false });
  expect((await app.catalog().find("fox"))?.request.state).toBe("queued");
});

test.each([
  [{ action: "erase", filter: {} }, "action"],
  [{ action: "retry" }, "filter"],
  [{ action: "retry", filter: { colection: "a" } }, "colection: unknown field"],
  [{ action: "retry", filter: { state: "archived" } }, "filter.state"],
])("%j is refused", async (body, field) => {
  const { post } = await openServed();
  const answer = await post("/v1/actions", body);
  expect(answer.status).toBe(422);
  expect((await errorOf(answer)).message).toContain(field);
});
