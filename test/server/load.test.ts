// A thousand at once: each is answered with an id, and each id is on record and in the queue.
import autocannon from "autocannon";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../src/server/server.ts";
import { openWorld } from "../support/world.ts";

const REQUESTS = 1_000;

// on a thread of its own, as `serve` does, they are recorded in groups
test.each([
  { ownsProcess: false, connections: REQUESTS },
  { ownsProcess: true, connections: REQUESTS },
  { ownsProcess: true, connections: 50 },
])(
  "1,000 enqueues of $connections at once lose nothing and answer with an id each (a process of its own: $ownsProcess)",
  {
    timeout: 120_000,
  },
  async ({ ownsProcess, connections }) => {
    const { app } = await openWorld({ PORT: "0" });
    const server = await startServer(app, { ownsProcess });
    onTestFinished(() => server.stop({ graceMs: 0 }));
    const ids: string[] = [];
    const result = await autocannon({
      url: `${server.url}/v1/requests`,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "a fox" }),
      connections,
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
  },
);
