import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ESCAPE, openPlace, type Place, startSandbox } from "./support.ts";

let place: Place;

beforeEach(async () => {
  place = await openPlace();
});

afterEach(() => place.close());

describe("sandbox", () => {
  test("prints one JSON line with the settings that a worker needs, and answers there", async () => {
    const sandbox = await startSandbox(place, ["--api-key", "secret-key"]);
    const { IMAGE_API_BASE_URL, IMAGE_API_KEY, PRIVATE_IMAGE_HOSTS } = sandbox.settings;
    const reply = await fetch(`${IMAGE_API_BASE_URL}/models`, {
      headers: { authorization: `Bearer ${IMAGE_API_KEY}` },
    });
    expect(reply.status).toBe(200);
    expect(IMAGE_API_KEY).toBe("secret-key");
    expect(PRIVATE_IMAGE_HOSTS).toBe(new URL(IMAGE_API_BASE_URL ?? "").host);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("ends with 0 on %s and gives the bill", async (signal) => {
    const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
    const reply = await fetch(`${sandbox.settings.IMAGE_API_BASE_URL}/images/generations`, {
      method: "POST",
      headers: { authorization: "Bearer any" },
      body: JSON.stringify({ model: "Qwen/Qwen-Image", prompt: "a fox", n: 3 }),
    });
    expect(reply.status).toBe(200);
    await reply.text();
    const { code, out } = await sandbox.end(signal);
    expect(code).toBe(0);
    expect(JSON.parse(out.trim().split("\n").at(-1) ?? "")).toMatchObject({
      bill: { calls: 1, paid_calls: 1, images: 3, outcomes: { answered: 1 } },
    });
  });

  test("says for people what to paste, which words make a call fail, and where it is controlled", async () => {
    const sandbox = place.start(["sandbox", "--port", "0"]);
    await sandbox.line(/PATCH/);
    const { code, out } = await sandbox.end();
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}export IMAGE_API_BASE_URL='http:\/\/127\.0\.0\.1:\d+\/v1'$/m);
    expect(out).toMatch(/^ {2}export IMAGE_API_KEY='sandbox'$/m);
    expect(out).toMatch(/^ {2}export PRIVATE_IMAGE_HOSTS='127\.0\.0\.1:\d+'$/m);
    expect(out).toContain("[reject]");
    expect(out).toMatch(/http:\/\/127\.0\.0\.1:\d+\/sandbox/);
    expect(out).toMatch(/^calls +0/m);
    expect(out).not.toMatch(ESCAPE);
  });

  test("takes its switches in human form", async () => {
    const flags = ["--latency", "20ms", "--url-lifetime", "5m", "--image-bytes", "64KiB", "--rate-limit", "10/s"];
    const sandbox = await startSandbox(place, [...flags, "--both-forms", "--balance", "7"]);
    const control = new URL("/sandbox", sandbox.settings.IMAGE_API_BASE_URL);
    const { switches } = (await (await fetch(control)).json()) as { switches: object };
    expect(switches).toMatchObject({
      latencyMs: 20,
      urlLifetimeMs: 300_000,
      imageBytes: 65_536,
      rateLimit: "10/s",
      bothForms: true,
      balance: 7,
    });
  });

  test("names every switch that does not fit, by its flag, and ends with 2", async () => {
    const flags = ["--latency", "5", "--error-rate", "3", "--rate-limit", "often", "--image-bytes", "big"];
    const { code, err } = await place.run(["sandbox", "--port", "0", ...flags]);
    expect(code).toBe(2);
    for (const flag of ["--latency", "--error-rate", "--rate-limit", "--image-bytes"])
      expect(err).toContain(`${flag}: `);
  });

  test.each([
    ["--port", "70000"],
    ["--port", "web"],
  ])("refuses %s %s with 2", async (...flags) => {
    const { code, err } = await place.run(["sandbox", ...flags]);
    expect(code).toBe(2);
    expect(err).toContain("--port: wanted");
  });

  test("says that a port is taken, and ends with 2", async () => {
    const first = await startSandbox(place);
    const { port } = new URL(first.settings.IMAGE_API_BASE_URL ?? "");
    const { code, err } = await place.run(["sandbox", "--port", port]);
    expect(code).toBe(2);
    expect(err).toContain(`127.0.0.1:${port}`);
    expect(err).toContain("--port");
  });
});
