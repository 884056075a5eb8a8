// The commands about single requests at a server: what they print is what they print here.
import { expect, test } from "vitest";
import { closedOrigin } from "../support/servers.ts";
import { addFailedCopy, addRequest, openDesk, serve } from "./requests.ts";

/** Settings under which nothing here can be reached: all must go by HTTP. */
const NOTHING_HERE = { REDIS_URL: "redis://127.0.0.1:9", CATALOG_URL: "file:/dev/null/catalog.db" };

test("enqueue, status, wait and cancel speak to the server of ASSET_ARCHIVER_URL", async () => {
  const desk = await openDesk({ API_TOKENS: "open-sesame" });
  const env = { ...NOTHING_HERE, ASSET_ARCHIVER_URL: await serve(desk), ASSET_ARCHIVER_TOKEN: "open-sesame" };
  const enqueued = await desk.run(
    ["enqueue", "a fox", "--request-id", "fox", "--webhook-url", "https://example.com/h?k=s"],
    { env },
  );
  expect(enqueued).toEqual({ code: 0, out: "fox\n", err: "" });
  expect((await desk.app.catalog().find("fox"))?.request.state).toBe("queued");
  const shown = await desk.run(["status", "fox"], { env });
  expect(shown.out).toMatch(/^fox {2}queued\n {2}a fox\n/);
  expect(shown.out).toMatch(/webhook https:\/\/example\.com {2}nothing to tell yet/);
  const counts = await desk.run(["status", "--json"], { env });
  expect(JSON.parse(counts.out)).toMatchObject({ requests: { queued: 1 }, generate: { waiting: 1 } });
  const waited = await desk.run(["wait", "fox", "--timeout", "1s"], { env });
  expect(waited).toMatchObject({ code: 1, err: 'Request "fox" did not end in time\n' });
  await desk.run(["cancel", "fox"], { env });
  const ended = await desk.run(["wait", "fox", "--json"], { env });
  expect(JSON.parse(ended.out)).toMatchObject({ state: "cancelled", webhook: { events: [{ event: "cancelled" }] } });
});

test("what the server refuses is told with every fault, and exits 2", async () => {
  const desk = await openDesk();
  const flags = ["--n", "9", "--steps", "0", "--url", await serve(desk)];
  const { code, err } = await desk.run(["enqueue", "a fox", ...flags]);
  expect(code).toBe(2);
  expect(err).toMatch(/n: wanted at most 4.*steps: wanted at least 1/);
});

test("an unknown id, a wrong token, no server and no address each have their sentence", async () => {
  const desk = await openDesk({ API_TOKENS: "open-sesame" });
  const url = await serve(desk);
  const right = { ASSET_ARCHIVER_TOKEN: "open-sesame" };
  expect(await desk.run(["status", "nobody", "--url", url], { env: right })).toMatchObject({
    code: 1,
    err: /no request "nobody"/,
  });
  const refused = await desk.run(["status", "fox", "--url", url], { env: { ASSET_ARCHIVER_TOKEN: "guess" } });
  expect(refused.code).toBe(2);
  expect(refused.err).not.toContain("guess");
  const away = await desk.run(["status", "fox", "--url", await closedOrigin()]);
  expect(away.code).toBe(1);
  expect(away.err).toMatch(/Cannot reach the server/);
  expect((await desk.run(["status", "fox", "--url", "archive:8080"])).code).toBe(2);
});

test("status and wait --json carry the addresses of images: those of the server, or here those below PUBLIC_URL", async () => {
  const desk = await openDesk({ PUBLIC_URL: "http://localhost:8443/pictures" });
  await addRequest(desk, { request_id: "fox", prompt: "a fox", seed: 7 });
  await addFailedCopy(desk, "fox", Date.now() + 60_000);
  const catalog = desk.app.catalog();
  const digest = "a".repeat(64);
  const asset = {
    digest,
    key: `images/aa/${digest}.png`,
    bytes: 9,
    content_type: "image/png",
    width: 8,
    height: 8,
  } as const;
  await catalog.recordAsset({ request_id: "fox", index: 0 }, { ...asset, archived_at: 1, phash: "0123456789abcdef" });
  const base = `http://localhost:8443/pictures/v1/assets/${digest}`;
  const links = { url: `${base}/content`, thumbnail_url: `${base}/thumbnail` };
  const url = await serve(desk);
  for (const args of [
    ["status", "fox", "--json"],
    ["wait", "fox", "--json"],
  ])
    for (const flags of [[], ["--url", url]]) {
      const { out } = await desk.run([...args, ...flags]);
      expect(JSON.parse(out)).toMatchObject({ assets: [{ digest, ...links }] });
    }
  expect((await desk.run(["status", "fox", "--url", url])).out).toContain(links.url);
});
