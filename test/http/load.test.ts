// A thousand at once: each is answered with an id, and each id is on record and in the queue.
import autocannon from "autocannon";
import { expect, test } from "vitest";
import { openServed } from "./support.ts";

const REQUESTS = 1_000;

test("1,000 concurrent enqueues lose nothing and answer with an id each", { timeout: 120_000 }, async () => {
  const { url, app } = await openServed();
  const ids: string[] = [];
  const result = await autocannon({
    url: `${url}/v1/requests`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a fox" }),
    connections: REQUESTS,
    amount: REQUESTS,
    timeout: 100,
    setupClient: (client) => {
      client.on("body", (body) => ids.push((JSON.parse(String(body)) as { request_id: string }).request_id));
    },
  });
  expect([result.errors, result.timeouts, result.non2xx]).toEqual([0, 0, 0]);
  expect(ids).toHaveLength(REQUESTS);
  expect(new Set(ids).size).toBe(REQUESTS);
  expect([...app.catalog().listRequests()].map((one) => one.request_id).sort()).toEqual([...ids].sort());
  const { generate } = await app.queues();
  expect(await generate.getWaitingCount()).toBe(REQUESTS);
});
