// What a page of another origin can do to a server on the same machine, tried in a real browser.
import { expect, test, vi } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { startHttp } from "../support/servers.ts";
import { openServed, type Served } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });

/** A failed request: retrying it would make the worker pay. */
async function openFailed(): Promise<Served> {
  const served = await openServed();
  await served.post("/v1/requests", { prompt: "a red fox", request_id: "fox" });
  const { app } = served;
  await app.catalog().finish("fox", { state: "failed", error: { code: "test", message: "made to fail" } });
  return served;
}

async function stateOf({ ask }: Served): Promise<string> {
  return ((await (await ask("/v1/requests/fox")).json()) as { state: string }).state;
}

const PAGE = "<!doctype html><title>a page</title>";

test("a foreign page cannot retry a request, by fetch or by a form, and the server's own page can", async (context) => {
  const browser = await openBrowser(context);
  const served = await openFailed();
  const foreign = await startHttp((_, answer) => answer.setHeader("content-type", "text/html").end(PAGE));
  const target = `${served.url}/v1/requests/fox/retry`;
  // by number it is the same site on another port, by name another site
  for (const origin of [foreign, foreign.replace("127.0.0.1", "localhost")]) {
    const page = await browser.newPage();
    await page.goto(origin);
    const sent = page.waitForResponse(target);
    await page.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors" }).then(() => {}), target);
    expect([origin, "fetch", (await sent).status()]).toEqual([origin, "fetch", 403]);
    const navigated = page.waitForResponse(target);
    await page.setContent(`<form method="post" action="${target}"><button>Go</button></form>`);
    await page.click("button");
    const answer = await navigated;
    expect([origin, "form", answer.status()]).toEqual([origin, "form", 403]);
    expect(await answer.json()).toMatchObject({ error: { code: "forbidden_origin", type: "permission_error" } });
    await page.close();
  }
  expect(await stateOf(served)).toBe("failed");
  const own = await browser.newPage();
  await own.goto(`${served.url}/healthz`);
  const status = await own.evaluate(
    (path) => fetch(path, { method: "POST" }).then((got) => got.status),
    "/v1/requests/fox/retry",
  );
  expect([status, await stateOf(served)]).toEqual([202, "queued"]);
});
