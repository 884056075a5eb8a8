// The listings over HTTP: as much can be asked of them as of `catalog search`, and a fault is told by the name of its parameter.
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { addSearchFlags } from "../../src/cli/search-flags.ts";
import type { SubmissionInput } from "../../src/domain/request/submission-input.ts";
import { assetPageSchema, requestPageSchema } from "../../src/server/schemas.ts";
import { searchQuery } from "../../src/server/search-query.ts";
import { asset } from "../catalog/support.ts";
import { errorOf, openServed, type Served } from "./support.ts";

// the first sentences are the image API's own document's
const LIBRARY: [string, Partial<SubmissionInput>][] = [
  ["guidance", { prompt: "模型输出结果与prompt的一致程度，即生成图像的自由度", tags: ["文档", "模型"], steps: 12 }],
  ["negative", { prompt: "山", negative_prompt: "用于指定不希望在生成图像中出现的内容", guidance_scale: 4.5 }],
  ["fox", { prompt: 'a "red" fox 🦊 in the snow', collection: "animals", seed: 42, n: 2, aspect_ratio: "16:9" }],
  ["cat", { prompt: "a cat", collection: "animals", tags: ["模型"], model: "Qwen/Qwen-Image" }],
];

async function openLibrary(): Promise<Served & { ask(path: string): Promise<Response> }> {
  const served = await openServed();
  for (const [request_id, fields] of LIBRARY) await served.post("/v1/requests", { request_id, ...fields });
  const catalog = served.app.catalog();
  const reserved = await catalog.reserveCall("cat", { n: 1, seed: 7 });
  if (reserved.kind !== "reserved") throw new Error("not reserved");
  const answer = { created: 1_700_000_000, images: [], usage: null, http_status: 200, api_request_id: null };
  const images = [{ index: 0, url: "https://example.com/1.png", spool_file: null, expires_at: 1_800_000_000_000 }];
  await catalog.answerCall(reserved.call, { answer, images, expires_at: null, complete: true });
  await catalog.recordAsset({ request_id: "cat", index: 0 }, asset("c"));
  await catalog.finish("cat", { state: "archived" });
  return served;
}

const query = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

describe("the requests that fit", () => {
  test.each([
    [query({ text: "自由度" }), ["guidance"]],
    [query({ text: "生成图像" }), ["guidance", "negative"]],
    [query({ text: "不希望" }), ["negative"]],
    [query({ text: "一致程度，即生成图像的自由度" }), ["guidance"]],
    [query({ text: "🦊" }), ["fox"]],
    [query({ text: '"in the snow"' }), ["fox"]],
    [query({ text: "a -fox" }), ["cat"]],
    [query({ collection: "animals", sort: "oldest" }), ["fox", "cat"]],
    [`${query({ tag: "文档" })}&${query({ tag: "模型" })}`, ["guidance"]],
    [query({ tag: "模型" }), ["cat", "guidance"]],
    [query({ state: "archived" }), ["cat"]],
    [query({ prompt: "a cat" }), ["cat"]],
    [query({ negative_prompt: "用于指定不希望在生成图像中出现的内容" }), ["negative"]],
    [query({ seed: "42", n: "2", aspect_ratio: "16:9" }), ["fox"]],
    [query({ steps: "12" }), ["guidance"]],
    [query({ guidance_scale: "4.5" }), ["negative"]],
    [query({ digest: "CCC", type: "png", min_bytes: "1", max_bytes: "1KB", min_width: "1", max_height: "1" }), ["cat"]],
    [query({ min_bytes: "1MiB" }), []],
    [query({ from: "2026-01-01", to: "2999-12-31" }), ["cat", "fox", "guidance", "negative"]],
    [query({ to: "2020-01-01" }), []],
    [query({ batch: "night" }), []],
    [query({ deleted: "true" }), []],
  ])("%s", async (asked, wanted) => {
    const { ask } = await openLibrary();
    const page = requestPageSchema.parse(await (await ask(`/v1/requests?${asked}`)).json());
    const ids = page.data.map((one) => one.request_id);
    expect(asked.includes("oldest") ? ids : ids.toSorted()).toEqual(wanted);
    const assets = assetPageSchema.parse(await (await ask(`/v1/assets?${asked}`)).json());
    expect(assets.data.map((one) => one.digest.slice(0, 1))).toEqual(wanted.includes("cat") ? ["c"] : []);
  });
});

describe("whatever is typed", () => {
  test.each([
    '"',
    '""',
    "AND OR NOT NEAR(",
    "prompt : fox",
    "^fox (a OR b) {c d}:e",
    "fox\\0*'; drop table requests; --",
    "🦊🦊 👨‍👩‍👧‍👦 🏳️‍🌈",
    "狐".repeat(1_500),
    "x".repeat(2_000),
    "   ",
    "",
    "ａｂｃ\u200b\ufeff",
    "\ud800 lone",
  ])("%j is a page or a fault of `text`, never a crash", async (text) => {
    const { ask } = await openLibrary();
    for (const path of ["/v1/requests", "/v1/assets"]) {
      const answer = await ask(`${path}?${query({ text })}`);
      if (answer.status !== 200)
        expect(await errorOf(answer)).toMatchObject({ code: "invalid_request", param: "text" });
    }
  });

  test.each([
    [query({ text: "- -" }), "text"],
    [query({ text: "f*" }), "text"],
    [query({ text: "x ".repeat(40) }), "text"],
    ["state=done", "state"],
    ["state=failed&state=parked", "state"],
    ["from=yesterday", "from"],
    ["to=2026-11-31", "to"],
    ["seed=", "seed"],
    ["seed=-1", "seed"],
    ["n=1.5", "n"],
    ["digest=xyz", "digest"],
    ["type=gif", "type"],
    ["min_bytes=large", "min_bytes"],
    ["aspect_ratio=17:9", "aspect_ratio"],
    ["sort=best", "sort"],
    ["deleted=yes", "deleted"],
    ["colection=animals", "colection"],
    ["cursor=nonsense", "cursor"],
  ])("%s is a fault of %s", async (asked, param) => {
    const { ask } = await openServed();
    for (const path of ["/v1/requests", "/v1/assets"]) {
      const answer = await ask(`${path}?${asked}`);
      expect(answer.status).toBe(422);
      expect(await errorOf(answer)).toMatchObject({ code: "invalid_request", param });
    }
  });
});

test("both doors ask for the same, and the document names all of it", async () => {
  const flags = addSearchFlags(new Command()).options.map((option) => option.name().replaceAll("-", "_"));
  // the words are the command's argument; the rest are flags of its own
  const wanted = [...flags, "deleted", "text", "sort", "limit", "cursor"].toSorted();
  expect(Object.keys(searchQuery.shape).toSorted()).toEqual(wanted);
  const { ask } = await openServed();
  const { paths } = (await (await ask("/openapi.json")).json()) as {
    paths: Record<string, { get: { parameters: { name: string; in: string; schema: { type?: string } }[] } }>;
  };
  for (const path of ["/v1/requests", "/v1/assets"]) {
    const named = paths[path]?.get.parameters ?? [];
    expect(named.map(({ name }) => name).toSorted()).toEqual(wanted);
    expect(named.find(({ name }) => name === "seed")?.schema).toMatchObject({ type: "integer" });
    expect(named.find(({ name }) => name === "tag")?.schema).toMatchObject({ type: "array" });
  }
});

test("an image that was removed on purpose is gone, and is no fault of the store", async () => {
  const { ask, app } = await openLibrary();
  const { digest } = asset("c");
  await app.catalog().edits.delete("cat", 0);
  expect((await ask(`/v1/assets/${digest}`)).status).toBe(200);
  await app.catalog().edits.beginErasure("cat");
  await app.catalog().edits.endErasure("cat");
  for (const path of [`/v1/assets/${digest}`, `/v1/assets/${digest}/content`]) {
    const answer = await ask(path);
    expect(answer.status).toBe(410);
    expect(await errorOf(answer)).toMatchObject({ code: "asset_erased", param: digest });
  }
  expect(await (await ask("/v1/requests/cat")).json()).toMatchObject({
    state: "archived",
    deleted_at: expect.any(String),
    erased_at: expect.any(String),
  });
});
