// The addresses of images in answers: absolute, fetchable as they stand, signed with tokens, below the path of PUBLIC_URL.
import { expect, test } from "vitest";
import { eraseDue, rewriteStaleSidecars } from "../../src/maintenance/retention.ts";
import { bulkLineSchema, requestSchema } from "../../src/server/schemas.ts";
import { openBusyServed, openServed, type Served } from "./support.ts";

interface Linked {
  digest: string;
  url: string;
  thumbnail_url: string;
}

interface Shown {
  state: string;
  assets: Linked[];
}

const TOKEN = { authorization: "Bearer token-a" };

async function archived(settings: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const served = await openBusyServed({ settings });
  const posted = await served.post("/v1/requests", { request_id: "fox", prompt: "a fox", n: 2, seed: 1 }, headers);
  expect(posted.status).toBe(202);
  const request = (await (await served.ask("/v1/requests/fox?wait=60s", { headers })).json()) as Shown;
  expect(request.state).toBe("archived");
  return { ...served, request, posted };
}

/** Each answer that shows assets, by the route it comes from. */
async function answersOf(
  { ask, post }: Served,
  headers: Record<string, string> = {},
): Promise<Record<string, Linked[]>> {
  const json = async (answer: Promise<Response>) => (await answer).json() as Promise<never>;
  const again = { request_id: "fox", prompt: "a fox", n: 2, seed: 1 };
  const [first] = ((await json(ask("/v1/requests", { headers }))) as { data: Shown[] }).data;
  const listed = ((await json(ask("/v1/assets?sort=oldest", { headers }))) as { data: Linked[] }).data;
  const line = await json(post("/v1/requests/bulk", again, { ...headers, "content-type": "application/x-ndjson" }));
  expect(bulkLineSchema.parse(line)).toMatchObject({ line: 1, state: "archived" });
  return {
    "POST, the same again": ((await json(post("/v1/requests", again, headers))) as Shown).assets,
    "GET /v1/requests": first?.assets ?? [],
    "GET /v1/assets": listed,
    "GET /v1/assets/:digest": [await json(ask(`/v1/assets/${listed[0]?.digest}`, { headers }))],
    bulk: (line as Shown).assets,
  };
}

test("every answer carries the addresses of its images on the host that the caller named, and they open", async () => {
  const served = await archived();
  expect(requestSchema.parse(served.request)).toEqual(served.request);
  const { assets } = served.request;
  expect(assets).toHaveLength(2);
  for (const { digest, url, thumbnail_url } of assets) {
    expect(url).toBe(`${served.url}/v1/assets/${digest}/content`);
    expect(thumbnail_url).toBe(`${served.url}/v1/assets/${digest}/thumbnail`);
    expect((await fetch(url)).headers.get("content-type")).toBe("image/png");
    expect((await fetch(thumbnail_url)).headers.get("content-type")).toBe("image/webp");
  }
  const linkOf = new Map(assets.map(({ digest, url, thumbnail_url }) => [digest, { url, thumbnail_url }]));
  for (const [route, shown] of Object.entries(await answersOf(served))) {
    expect([route, shown.length > 0]).toEqual([route, true]);
    for (const asset of shown)
      expect([route, asset]).toEqual([route, expect.objectContaining(linkOf.get(asset.digest))]);
  }
});

test("with tokens they are signed, each for itself, and open without a token", async () => {
  const served = await archived({ API_TOKENS: "token-a" }, TOKEN);
  const [one, two] = served.request.assets as [Linked, Linked];
  for (const address of [one.url, one.thumbnail_url, two.url]) expect((await fetch(address)).status).toBe(200);
  for (const shown of Object.values(await answersOf(served, TOKEN)))
    for (const { url, thumbnail_url } of shown) {
      expect((await fetch(url)).status).toBe(200);
      expect((await fetch(thumbnail_url)).status).toBe(200);
    }
  const signature = (address: string) => new URL(address).search;
  const bare = (address: string) => address.replace(/\?.*/, "");
  const swapped = [
    bare(one.url) + signature(one.thumbnail_url),
    bare(one.thumbnail_url) + signature(one.url),
    bare(one.url) + signature(two.url),
    bare(one.url),
    bare(one.thumbnail_url),
  ];
  for (const address of swapped) expect([address, (await fetch(address)).status]).toEqual([address, 401]);
});

test.each(["http://localhost:8443/pictures", "http://localhost:8443/pictures/", "http://localhost:8443/a/b"])(
  "PUBLIC_URL %s: its path stays in every address, and in the paths that a proxy leads back",
  async (publicUrl) => {
    const served = await archived({ PUBLIC_URL: publicUrl });
    const base = publicUrl.replace(/\/$/, "");
    const path = new URL(base).pathname;
    expect(served.posted.headers.get("location")).toBe(`${path}/v1/requests/fox`);
    const answers: Record<string, Linked[]> = { ...(await answersOf(served)), request: served.request.assets };
    for (const asset of Object.values(answers).flat()) {
      expect(asset.url).toBe(`${base}/v1/assets/${asset.digest}/content`);
      expect(asset.thumbnail_url).toBe(`${base}/v1/assets/${asset.digest}/thumbnail`);
    }
    for (const { digest, ...asset } of answers["GET /v1/assets"] ?? [])
      expect(asset).toMatchObject({ content_url: `${path}/v1/assets/${digest}/content` });
    const form = { prompt: "a wolf", model: "Qwen/Qwen-Image" };
    const images = (await (await served.post("/v1/images/generations", form)).json()) as { data: { url: string }[] };
    expect(images.data[0]?.url).toMatch(new RegExp(`^${base}/v1/assets/[0-9a-f]{64}/content$`));
    const { servers } = (await (await served.ask("/openapi.json")).json()) as { servers: { url: string }[] };
    expect(servers).toEqual([{ url: path }]);
  },
);

test("images whose bytes were removed have no address", async () => {
  const { app, ask } = await archived();
  const catalog = app.catalog();
  await catalog.edits.delete("fox", app.clock.now());
  const { signal } = new AbortController();
  await rewriteStaleSidecars({ catalog, store: app.store(), mirror: undefined, log: app.log, signal });
  expect(await eraseDue({ catalog, store: app.store(), mirror: undefined, log: app.log, signal })).toBeGreaterThan(0);
  const { assets } = (await (await ask("/v1/requests/fox")).json()) as Shown;
  expect(assets.map(({ url, thumbnail_url }) => [url, thumbnail_url])).toEqual(assets.map(() => [null, null]));
});

test("the page asks below its own address", async () => {
  const { ask } = await openServed();
  const page = await (await ask("/")).text();
  expect(page).not.toMatch(/["'`(]\/v1\//);
});
