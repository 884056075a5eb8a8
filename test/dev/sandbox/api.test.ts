// The sandbox as a caller of the API sees it, with an OpenAI client nobody has changed.
import OpenAI from "openai";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../../../src/dev/sandbox/sandbox.ts";
import { download, type GenerationBody, generate, generateImages, openTestSandbox, readError } from "./calls.ts";

function createClient(sandbox: Sandbox): OpenAI {
  return new OpenAI({ baseURL: sandbox.url, apiKey: "any-key", maxRetries: 0 });
}

// OpenAI's fields that the API does not know are sent too, as programs written for OpenAI do
const OPENAI_CALL = {
  model: "Qwen/Qwen-Image",
  prompt: "a lighthouse",
  size: "1024x1024",
  quality: "auto",
  user: "me",
};

describe("an unmodified OpenAI client", () => {
  test("gets an image by URL and downloads it", async () => {
    const client = createClient(await openTestSandbox({ imageScale: 0.1 }));
    const extra = { aspect_ratio: "16:9", seed: 7, steps: 30, guidance_scale: 4.5, negative_prompt: "fog" };
    const answer = await client.images.generate({ ...OPENAI_CALL, ...extra, n: 2 } as OpenAI.ImageGenerateParams);
    const images = (answer as OpenAI.ImagesResponse).data ?? [];
    expect(images).toHaveLength(2);
    const facts = await sharp(await download(images[1]?.url ?? "")).metadata();
    expect([facts.format, facts.width, facts.height]).toEqual(["png", 166, 93]);
  });

  test("gets the API's errors as its own error classes", async () => {
    const client = createClient(await openTestSandbox({ forceStatus: 429 }));
    const call = client.images.generate({ model: "Qwen/Qwen-Image", prompt: "a fox" });
    await expect(call).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(call).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded", type: "rate_limit_error" });
  });

  test("lists the one model", async () => {
    const models = await createClient(await openTestSandbox()).models.list();
    expect(models.data.map((model) => model.id)).toEqual(["Qwen/Qwen-Image"]);
  });
});

describe("an answer", () => {
  test("has created in seconds, a URL, usage and a request id", async () => {
    const sandbox = await openTestSandbox({ now: () => 1_750_667_997_800 });
    const response = await generate(sandbox);
    const body = (await response.json()) as GenerationBody;
    expect(body.created).toBe(1_750_667_997);
    expect(body.usage).toEqual({ input_tokens_details: {} });
    expect(body.data.map((image) => Object.keys(image))).toEqual([["url"]]);
    expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  });

  test("has bytes as a data URL when they are asked for", async () => {
    const [image] = await generateImages(await openTestSandbox(), { response_format: "b64_json" });
    expect(Object.keys(image ?? {})).toEqual(["b64_json"]);
    expect(image?.b64_json).toMatch(/^data:image\/png;base64,iVBORw0KGgo/);
  });

  test("has bare bytes when the switch says so", async () => {
    const [image] = await generateImages(await openTestSandbox({ base64: "bare" }), { response_format: "b64_json" });
    expect(image?.b64_json).toMatch(/^iVBORw0KGgo/);
  });

  test("has both forms of one and the same image when the switch says so", async () => {
    const [image] = await generateImages(await openTestSandbox({ bothForms: true }));
    const bytes = Buffer.from(image?.b64_json?.split(",")[1] ?? "", "base64");
    expect((await download(image?.url ?? "")).equals(bytes)).toBe(true);
  });

  test("draws another seed each time none, or -1, is given", async () => {
    const sandbox = await openTestSandbox();
    const images = [...(await generateImages(sandbox)), ...(await generateImages(sandbox, { seed: -1 }))];
    const [first, second] = await Promise.all(images.map((image) => download(image.url ?? "")));
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
    const seeds = sandbox.bill().entries.map((entry) => entry.recipe?.seed ?? -1);
    expect(seeds.every((seed) => seed >= 0)).toBe(true);
    expect(sandbox.bill().entries.map((entry) => entry.seed_given)).toEqual([false, false]);
  });
});

describe("a refusal", () => {
  test("has the API's form, with the request id as param", async () => {
    const response = await generate(await openTestSandbox(), { n: 5 });
    expect(await readError(response)).toEqual({
      status: 400,
      code: "invalid_parameter",
      type: "invalid_request_error",
      message: "n does not fit: wanted an integer from 1 to 4",
      param: response.headers.get("x-request-id"),
    });
  });

  test.each([
    ["no key", undefined, {}],
    ["an empty key", undefined, { authorization: "Bearer " }],
    ["another scheme", undefined, { authorization: "Basic key" }],
    ["another key", "right", { authorization: "Bearer wrong" }],
  ])("401 for %s", async (_, apiKey, headers) => {
    const sandbox = await openTestSandbox(apiKey === undefined ? {} : { apiKey });
    for (const path of ["/images/generations", "/models"]) {
      const method = path === "/models" ? "GET" : "POST";
      const response = await fetch(`${sandbox.url}${path}`, { method, headers });
      expect(await readError(response)).toMatchObject({ status: 401, code: "invalid_api_key" });
    }
  });

  test("none for the right key", async () => {
    const sandbox = await openTestSandbox({ apiKey: "right" });
    expect((await generate(sandbox, {}, { headers: { authorization: "Bearer right" } })).status).toBe(200);
  });

  test.each([
    ["what is not JSON", "{", 400, "invalid_parameter"],
    ["what is no object", "[1]", 400, "invalid_parameter"],
    ["a body of more than 1 MiB", `"${"x".repeat(1024 * 1024)}"`, 413, "request_too_large"],
  ])("for %s", async (_, body, status, code) => {
    expect(await readError(await generate(await openTestSandbox(), {}, { body }))).toMatchObject({ status, code });
  });

  test("405 and 404 elsewhere", async () => {
    const sandbox = await openTestSandbox();
    expect((await fetch(`${sandbox.url}/images/generations`)).status).toBe(405);
    expect((await fetch(`${sandbox.url}/images/edits`, { method: "POST" })).status).toBe(404);
  });
});

describe("closing", () => {
  test("breaks calls that hang, may be repeated, and leaves nobody listening", async () => {
    const sandbox = await openSandbox({ hangRate: 1 });
    const call = generate(sandbox).catch(() => "broken");
    await expect.poll(() => sandbox.bill().outcomes.hung).toBe(1);
    await Promise.all([sandbox.close(), sandbox.close()]);
    expect(await call).toBe("broken");
    await expect(fetch(sandbox.url)).rejects.toThrow();
  });

  test("does not wait for latencies or paintings", async () => {
    const sandbox = await openSandbox({ latencyMs: 3_600_000 });
    const slow = generate(sandbox).catch(() => "broken");
    await expect.poll(() => sandbox.bill().outcomes.open).toBe(1);
    await sandbox.close();
    expect(await slow).toBe("broken");
  });

  test("a port that is taken is an error at opening", async () => {
    const { port } = await openTestSandbox();
    await expect(openSandbox({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
