// A Redis Cluster, a Sentinel, a replica: every command that needs Redis refuses it in the same words, and queues nothing.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client.ts";
import { openConfiguredRedis } from "../support/redis.ts";
import { openPlace, type Place } from "./support.ts";

let place: Place;
let server: Awaited<ReturnType<typeof openConfiguredRedis>>;

beforeAll(async () => {
  server = await openConfiguredRedis(["cluster-enabled yes", 'save ""']);
  place = await openPlace({ REDIS_URL: server.url, IMAGE_API_KEY: "none" });
});

afterAll(async () => {
  await place.close();
  await server.close();
});

test.each([
  [["worker"]],
  [["serve", "--port", "0"]],
  [["enqueue", "a red fox"]],
  [["status"]],
  [["bulk", "-"], '{"prompt":"a red fox"}\n'],
])("%j exits 2 and names the setting", async (args: string[], input = "") => {
  const { code, out, err } = await place.run(args, { input });
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(/Redis Cluster, which is not supported yet; set REDIS_URL/);
  expect(err).not.toMatch(/MOVED|CLUSTERDOWN|ReplyError/);
});

test("doctor counts it as a problem", async () => {
  const { code, out } = await place.run(["doctor", "--json"]);
  expect(code).toBe(1);
  const found = JSON.parse(out).findings.find((one: { subject: string }) => one.subject === "redis");
  expect(found).toMatchObject({ level: "problem", setting: "REDIS_URL", message: expect.stringMatching(/Cluster/) });
});

test("the client refuses it too", async () => {
  const client = createClient({ redisUrl: server.url });
  await expect(client.enqueue({ prompt: "a red fox" })).rejects.toMatchObject({ code: "redis_cluster" });
  await client.close();
});
