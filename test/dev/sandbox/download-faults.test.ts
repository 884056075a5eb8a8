// Every switch that spoils a download.
import { describe, expect, test } from "vitest";
import type { SandboxOptions } from "../../../src/dev/sandbox/sandbox.ts";
import { download, generateUrl, openTestSandbox } from "./calls.ts";

const RECIPE = { seed: 3 };

/** A sandbox with the switches on, an image's URL, and its bytes as they were before. */
async function openSpoilt(switches: SandboxOptions) {
  const sandbox = await openTestSandbox();
  const url = await generateUrl(sandbox, RECIPE);
  const whole = await download(url);
  sandbox.configure(switches);
  return { sandbox, url, whole };
}

describe("a download", () => {
  test("truncated breaks off before the length it promised", async () => {
    const { url, whole, sandbox } = await openSpoilt({ truncateRate: 1 });
    const response = await fetch(url);
    expect(response.headers.get("content-length")).toBe(String(whole.length));
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
    expect(sandbox.bill()).toMatchObject({ downloads: 2, downloads_complete: 1 });
  });

  test("of a short body is half an image that looks complete", async () => {
    const { url, whole } = await openSpoilt({ shortBodyRate: 1 });
    const half = await download(url);
    expect(half.equals(whole.subarray(0, whole.length >> 1))).toBe(true);
  });

  test("can be an HTML page with status 200", async () => {
    const { url } = await openSpoilt({ htmlImageRate: 1 });
    const response = await fetch(url);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html"]);
    expect(await response.text()).toMatch(/^<html>/);
  });

  test("can be 503", async () => {
    const { url } = await openSpoilt({ imageErrorRate: 1 });
    expect((await fetch(url)).status).toBe(503);
  });

  test("can be redirected once, to the image", async () => {
    const { url, whole } = await openSpoilt({ redirectRate: 1 });
    const response = await fetch(url, { redirect: "manual" });
    expect(response.status).toBe(302);
    expect((await download(response.headers.get("location") ?? "")).equals(whole)).toBe(true);
  });

  test("can go on for ever", async () => {
    const { url, whole } = await openSpoilt({ endlessRate: 1 });
    const abort = new AbortController();
    const response = await fetch(url, { signal: abort.signal });
    let received = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      if (received > 50 * whole.length + 1_000_000) break;
    }
    abort.abort();
    expect(received).toBeGreaterThan(1_000_000);
  });

  test("drips no faster than the switch says", async () => {
    const { url, whole } = await openSpoilt({ slowDripBytesPerSecond: 20_000 });
    const startedAt = performance.now();
    expect((await download(url)).equals(whole)).toBe(true);
    const leastMs = (whole.length / 20_000) * 1000 - 60;
    expect(leastMs).toBeGreaterThan(20);
    expect(performance.now() - startedAt).toBeGreaterThan(leastMs);
  });

  test("answers HEAD with type and length", async () => {
    const { url, whole } = await openSpoilt({});
    const response = await fetch(url, { method: "HEAD" });
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("content-length")).toBe(String(whole.length));
  });
});
