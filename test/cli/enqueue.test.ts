import { access } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Environment, ESCAPE, openPlace, type Place, startSandbox, startWorker } from "./support.ts";

interface View {
  request_id: string;
  state: string;
  seed: number;
  error: { code: string } | null;
  assets: { key: string }[];
  calls: object[];
}

let place: Place;

// one sandbox process and one worker process for all tests of this file; each test has its own request ids
beforeAll(async () => {
  place = await openPlace();
  const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
  await startWorker(place, sandbox.settings);
});

afterAll(() => place.close());

describe("enqueue", () => {
  test("with --wait shows the finished pictures with paths that open", async () => {
    const { code, out } = await place.run(["enqueue", "a red fox", "--n", "2", "--aspect-ratio", "16:9", "--wait"]);
    expect(code).toBe(0);
    const paths = out.match(/\S+\.png$/gm) ?? [];
    expect(paths).toHaveLength(2);
    for (const path of paths) await access(path);
    expect(out).not.toMatch(ESCAPE);
  });

  test("with --json --wait prints the request as one document", async () => {
    const flags = ["--seed", "42", "--request-id", "fox-1", "--tag", "a", "--tag", "b", "--metadata", '{"order":7}'];
    const { code, out, err } = await place.run(["enqueue", "a fox", ...flags, "--json", "--wait"]);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({
      request_id: "fox-1",
      state: "archived",
      seed: 42,
      tags: ["a", "b"],
      metadata: { order: 7 },
      assets: [{ index: 0, content_type: "image/png" }],
    });
  });

  test("reads the request as JSON from standard input; flags win", async () => {
    const input = JSON.stringify({ prompt: "a heron", seed: 7, steps: 12, request_id: "heron-1" });
    const { code, out } = await place.run(["enqueue", "-", "--steps", "13", "--json", "--wait"], { input });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ request_id: "heron-1", prompt: "a heron", seed: 7, steps: 13 });
  });

  test("without --wait prints the id, by which status and wait find it", async () => {
    const { out } = await place.run(["enqueue", "a lamp"]);
    const id = out.trim();
    const waited = await place.run(["wait", id, "--timeout", "15s", "--json"]);
    expect(waited.code).toBe(0);
    expect(JSON.parse(waited.out)).toMatchObject({ request_id: id, state: "archived" });
    const status = await place.run(["status", id, "--json"]);
    expect((JSON.parse(status.out) as View).assets).toHaveLength(1);
  });

  test("the same id with the same content is a no-op; with other content it is refused with 1", async () => {
    const first = await place.run(["enqueue", "a boat", "--request-id", "boat-1", "--json", "--wait"]);
    const again = await place.run(["enqueue", "a boat", "--request-id", "boat-1", "--json", "--wait"]);
    expect(JSON.parse(again.out)).toEqual(JSON.parse(first.out));
    const other = await place.run(["enqueue", "a train", "--request-id", "boat-1"]);
    expect(other.code).toBe(1);
    expect(other.err).toContain("boat-1");
  });

  test("a request that fails ends --wait with 1 and says why", async () => {
    const { code, out } = await place.run(["enqueue", "[reject] no", "--json", "--wait"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ state: "failed", error: { code: "content_policy_violation" }, assets: [] });
  });

  test("names all faults of the flags at once, and ends with 2", async () => {
    const flags = ["--n", "9", "--aspect-ratio", "5:4", "--steps", "many", "--request-id", "a:b"];
    const { code, err, out } = await place.run(["enqueue", "", ...flags]);
    expect(code).toBe(2);
    expect(out).toBe("");
    for (const field of ["prompt:", "n:", "aspect_ratio:", "steps:", "request_id:"]) expect(err).toContain(field);
  });

  test("faults with --json are one document on standard error", async () => {
    const { code, err } = await place.run(["enqueue", "x", "--seed", "-5", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "invalid_request", faults: [{ field: "seed" }] } });
  });

  test.each([
    ["no JSON", "{prompt}"],
    ["a list", '[{"prompt":"x"}]'],
    ["nothing", ""],
    ["a misspelt field", '{"prompt":"x","aspect_ration":"1:1"}'],
  ])("refuses %s on standard input with 2", async (_, input) => {
    const { code, err } = await place.run(["enqueue", "-"], { input });
    expect(code).toBe(2);
    expect(err).not.toBe("");
    if (input.includes("aspect_ration")) expect(err).toContain("did you mean aspect_ratio?");
  });

  test("Redis away: a prompt, clear error with 1, and nothing is accepted", async () => {
    const env: Environment = { REDIS_URL: "redis://127.0.0.1:1" };
    const { code, err } = await place.run(["enqueue", "a ghost", "--request-id", "ghost-1"], { env });
    expect(code).toBe(1);
    expect(err).toContain("REDIS_URL");
    expect((await place.run(["status", "ghost-1"])).code).toBe(1);
  });
});

describe("enqueue --wait without a worker", () => {
  test("is left by Ctrl-C with 130 and says how to come back", async () => {
    const idle = await openPlace();
    try {
      const waiting = idle.start(["enqueue", "a slow one", "--request-id", "slow-1", "--wait"]);
      await untilKnown(idle, "slow-1");
      const { code, err } = await waiting.end("SIGINT");
      expect(code).toBe(130);
      expect(err).toContain("wait slow-1");
      const timedOut = await idle.run(["wait", "slow-1", "--timeout", "200ms"]);
      expect(timedOut.code).toBe(1);
      expect((await idle.run(["wait", "slow-1", "--timeout", "soon"])).code).toBe(2);
      expect((await idle.run(["wait", "nobody"])).code).toBe(1);
    } finally {
      await idle.close();
    }
  });
});

async function untilKnown(place: Place, id: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    if ((await place.run(["status", id])).code === 0) return;
  }
  throw new Error(`request ${id} was never accepted`);
}
