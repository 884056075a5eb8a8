// The URLs of images: how long they live, and that nobody can make one.
import { describe, expect, test } from "vitest";
import { openSandbox } from "../../../src/dev/sandbox/sandbox.ts";
import { download, generateUrl, openTestSandbox, readError } from "./calls.ts";

const DAY_MS = 86_400_000;

/** A clock that stands until it is moved. */
function createClock() {
  let time = 1_750_000_000_000;
  return { now: () => time, advance: (ms: number) => (time += ms) };
}

describe("an image URL", () => {
  test("lives seven days and then is 403", async () => {
    const clock = createClock();
    const url = await generateUrl(await openTestSandbox({ now: clock.now }));
    clock.advance(7 * DAY_MS - 1);
    expect((await download(url)).length).toBeGreaterThan(100);
    clock.advance(1);
    expect(await readError(await fetch(url))).toMatchObject({ status: 403, message: "The URL has expired" });
  });

  test("lives as long as the switch says", async () => {
    const clock = createClock();
    const url = await generateUrl(await openTestSandbox({ now: clock.now, urlLifetimeMs: 500 }));
    expect((await fetch(url)).status).toBe(200);
    clock.advance(500);
    expect((await fetch(url)).status).toBe(403);
  });

  test.each<[string, (url: URL) => void]>([
    ["another signature", (url) => url.searchParams.set("signature", "0".repeat(64))],
    ["no signature", (url) => url.searchParams.delete("signature")],
    ["a later end", (url) => url.searchParams.set("expires", "9999999999999")],
    ["another picture", (url) => (url.pathname = url.pathname.replace(/\/images\/./, "/images/0"))],
  ])("is 403 with %s", async (_, change) => {
    const sandbox = await openTestSandbox();
    const urls = await Promise.all(Array.from({ length: 4 }, () => generateUrl(sandbox)));
    const url = new URL(urls.find((candidate) => !candidate.includes("/images/0")) ?? "");
    expect((await fetch(url)).status).toBe(200);
    change(url);
    expect((await fetch(url)).status).toBe(403);
  });

  test("is 404 where there never was an image", async () => {
    const sandbox = await openTestSandbox();
    expect((await fetch(new URL("/images/nothing.png", sandbox.url))).status).toBe(404);
    expect((await fetch(new URL("/images/", sandbox.url))).status).toBe(404);
  });

  test("survives a restart with the same secret, and no other", async () => {
    const first = await openSandbox({ secret: "one", imageScale: 0.02 });
    const url = await generateUrl(first, { seed: 5 });
    const bytes = await download(url);
    await first.close();
    // on other ports, for the old one may be somebody else's by now; the signature does not cover it
    const at = ({ port }: { port: number }) => url.replace(`:${first.port}/`, `:${port}/`);
    expect((await download(at(await openTestSandbox({ secret: "one" })))).equals(bytes)).toBe(true);
    expect((await fetch(at(await openTestSandbox({ secret: "two" })))).status).toBe(403);
  });

  test("points where the caller came from, or where it was told", async () => {
    const sandbox = await openTestSandbox();
    expect(await generateUrl(sandbox)).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${sandbox.port}/images/`));
    const behind = await openTestSandbox({ publicUrl: "https://images.example/" });
    expect(await generateUrl(behind)).toMatch(/^https:\/\/images\.example\/images\//);
  });
});
