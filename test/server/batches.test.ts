import { expect, test } from "vitest";
import { beginWith, newBatch, requestOf } from "../batches/run/support.ts";
import { openServed } from "./support.ts";

test("the report of a batch is a page at /batches/{id}, an unknown one is 404", async () => {
  const { app, ask } = await openServed();
  await beginWith(app.catalog(), newBatch("night"), [requestOf("fox")]);
  await app.catalog().finish("fox", { state: "failed", error: { code: "content_policy", message: "refused <b>" } });
  const page = await ask("/batches/night");
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const html = await page.text();
  expect(html).toContain("0 of 1");
  expect(html).toContain("item 1: picture fox");
  expect(html).toContain("refused &lt;b&gt;");
  expect((await ask("/batches/none")).status).toBe(404);
});
