// POST /v1/images/generations, by the unmodified client of OpenAI and by hand.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { describe, expect, onTestFinished, test } from "vitest";
import { imagesAnswerSchema } from "../../src/server/schemas.ts";
import { startServer } from "../../src/server/server.ts";
import { errorOf, openBusyServed, openServed, type Served } from "./support.ts";

function createOpenAI(
  { url }: { url: string },
  options: { apiKey?: string; maxRetries?: number; timeout?: number } = {},
) {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", ...options });
}

/** What OpenAI's types do not know is sent all the same, as extra_body is in Python. */
type Params = OpenAI.ImageGenerateParamsNonStreaming;
const params = (fields: Record<string, unknown>) => fields as unknown as Params;

describe("OpenAI's client", () => {
  test("needs another base URL and nothing else: all parameters arrive, and the URLs do not die", async () => {
    const served = await openBusyServed();
    const fields = {
      model: "Qwen/Qwen-Image",
      prompt: "a red fox",
      n: 2,
      response_format: "url",
      aspect_ratio: "16:9",
      seed: 42,
      steps: 30,
      guidance_scale: 4.5,
      negative_prompt: "blur",
      collection: "openai",
      tags: ["x"],
      metadata: { from: "openai" },
      request_id: "fox",
      quality: "hd",
      user: "somebody",
    };
    const { data, response } = await createOpenAI(served).images.generate(params(fields)).withResponse();
    expect(response.headers.get("x-archiver-request-id")).toBe("fox");
    expect(response.headers.get("x-ignored-parameters")).toBe("quality, user");
    expect(response.headers.get("location")).toBe("/v1/requests/fox");
    const { response_format: _, quality: _quality, user: _user, ...kept } = fields;
    const request = (await (await served.ask("/v1/requests/fox")).json()) as { assets: { digest: string }[] };
    expect(request).toMatchObject(kept);
    const digests = request.assets.map((asset) => asset.digest);
    expect(data.data?.map((image) => image.url)).toEqual(
      digests.map((one) => `${served.url}/v1/assets/${one}/content`),
    );
    for (const image of data.data ?? []) {
      const bytes = Buffer.from(await (await fetch(image.url ?? "")).arrayBuffer());
      expect(digests).toContain(createHash("sha256").update(bytes).digest("hex"));
    }
    const { entries } = served.sandbox.bill();
    expect(entries.map((call) => call.recipe)).toEqual([
      expect.objectContaining({
        seed: 42,
        steps: 30,
        guidance_scale: 4.5,
        negative_prompt: "blur",
        aspect_ratio: "16:9",
      }),
    ]);
  });

  test("knows the request by the id of the answer", async () => {
    const served = await openBusyServed();
    const images = await createOpenAI(served).images.generate({
      model: "Qwen/Qwen-Image",
      prompt: "a fox",
      size: "1536x1024",
    });
    expect(await (await served.ask(`/v1/requests/${images._request_id}`)).json()).toMatchObject({
      state: "archived",
      aspect_ratio: "3:2",
    });
  });

  test("gets b64_json as the API's data URL", async () => {
    const served = await openBusyServed();
    const images = await createOpenAI(served).images.generate({ prompt: "a fox", n: 2, response_format: "b64_json" });
    const { data } = (await (await served.ask("/v1/assets")).json()) as { data: { digest: string }[] };
    const digests = (images.data ?? []).map(({ b64_json = "" }) => {
      const [head = "", text = ""] = b64_json.split(",");
      expect(head).toBe("data:image/png;base64");
      return createHash("sha256").update(Buffer.from(text, "base64")).digest("hex");
    });
    expect(digests.sort()).toEqual(data.map((asset) => asset.digest).sort());
  });

  test("with a token gets URLs that anybody may read, also after the tokens have changed", async () => {
    const served = await openBusyServed({ settings: { API_TOKENS: "token-a" } });
    await expect(createOpenAI(served, { apiKey: "wrong" }).images.generate({ prompt: "a fox" })).rejects.toMatchObject({
      status: 401,
      code: "invalid_token",
    });
    const images = await createOpenAI(served, { apiKey: "token-a" }).images.generate({ prompt: "a fox" });
    const address = new URL(images.data?.[0]?.url ?? "");
    expect((await fetch(address)).status).toBe(200);
    address.searchParams.set("signature", `${address.searchParams.get("signature")?.slice(0, -4)}AAAA`);
    expect((await fetch(address)).status).toBe(401);
    const { settings } = served.app;
    const http = { ...settings.http, tokens: ["token-b"] };
    const later = await startServer({ ...served.app, settings: { ...settings, http } });
    onTestFinished(() => later.stop({ graceMs: 0 }));
    const url = new URL(images.data?.[0]?.url ?? "");
    expect((await fetch(`${later.url}${url.pathname}${url.search}`)).status).toBe(200);
  });

  test("names PUBLIC_URL where there is one", async () => {
    const served = await openBusyServed({ settings: { PUBLIC_URL: "https://localhost:8443" } });
    const images = await createOpenAI(served).images.generate({ prompt: "a fox" });
    expect(images.data?.[0]?.url).toMatch(/^https:\/\/localhost:8443\/v1\/assets\/[0-9a-f]{64}\/content$/);
  });

  test("is told what the API refused, once, and does not try again", async () => {
    const served = await openBusyServed();
    const refused = createOpenAI(served).images.generate({ prompt: "a fox [reject]" });
    await expect(refused).rejects.toMatchObject({ status: 400, code: "content_policy_violation" });
    expect(served.sandbox.bill().calls).toBe(1);
  });

  test("is told when the API failed for good, and does not try again", async () => {
    const served = await openBusyServed({ settings: { GENERATE_ATTEMPTS: "1" } });
    const failed = createOpenAI(served).images.generate({ prompt: "a fox [fail]" });
    await expect(failed).rejects.toMatchObject({ status: 502, code: "attempts_exhausted" });
    expect(served.sandbox.bill().calls).toBe(1);
  });

  test("is told every fault of its own", async () => {
    const served = await openServed();
    const unfit = createOpenAI(served).images.generate(params({ prompt: "a fox", n: 9, sead: 1 }));
    await expect(unfit).rejects.toMatchObject({ status: 422, code: "invalid_request", param: "n" });
  });

  test("that gives up and tries again by itself pays once", { timeout: 60_000 }, async () => {
    const served = await openBusyServed({ sandbox: { latencyMs: 5_000 } });
    // the first try is over before the API has answered
    const client = createOpenAI(served, { timeout: 4_000, maxRetries: 5 });
    const images = await client.images.generate({ prompt: "a fox" });
    expect(images.data).toHaveLength(1);
    expect(served.sandbox.bill().calls).toBe(1);
    expect([...served.app.catalog().listRequests()]).toHaveLength(1);
  });
});

test("two requests of one content are two, unless the client says that it repeats itself", async () => {
  const served = await openBusyServed();
  const generate = (headers = {}) => served.post("/v1/images/generations", { prompt: "a fox" }, headers);
  await Promise.all([generate(), generate()]);
  expect(served.sandbox.bill().calls).toBe(2);
  await generate({ "x-stainless-retry-count": "1" });
  expect(served.sandbox.bill().calls).toBe(2);
});

test("the answer is the API's own form", async () => {
  const { post } = await openBusyServed();
  const answer = await post("/v1/images/generations", { prompt: "a fox", size: null });
  expect(imagesAnswerSchema.parse(await answer.json())).toMatchObject({ data: [{ url: expect.any(String) }] });
});

test("a client that disconnects loses nothing, and can come back by its key", async () => {
  const served = await openBusyServed({ sandbox: { latencyMs: 300 } });
  const gone = new AbortController();
  const body = JSON.stringify({ prompt: "a fox" });
  const headers = { "content-type": "application/json", "idempotency-key": "fox" };
  const asking = fetch(`${served.url}/v1/images/generations`, { method: "POST", body, headers, signal: gone.signal });
  await untilKnown(served, "fox");
  gone.abort();
  await expect(asking).rejects.toThrow();
  expect(await (await served.ask("/v1/requests/fox?wait=20s")).json()).toMatchObject({ state: "archived" });
  const again = await served.post("/v1/images/generations", { prompt: "a fox" }, { "idempotency-key": "fox" });
  expect(again.status).toBe(200);
  expect(served.sandbox.bill().calls).toBe(1);
});

test("a request that is cancelled meanwhile, and a server that stops, are told to who waits", async () => {
  const served = await openServed();
  const waiting = served.post("/v1/images/generations", { prompt: "a fox", request_id: "fox" });
  await untilKnown(served, "fox");
  await served.ask("/v1/requests/fox", { method: "DELETE" });
  expect(await errorOf(await waiting)).toMatchObject({ code: "cancelled", param: "fox" });
  const server = await startServer(served.app);
  const left = fetch(`${server.url}/v1/images/generations`, {
    method: "POST",
    body: JSON.stringify({ prompt: "a wolf", request_id: "wolf" }),
    headers: { "content-type": "application/json" },
  });
  await untilKnown(served, "wolf");
  await server.stop();
  const answer = await left;
  expect([answer.status, answer.headers.get("x-archiver-request-id")]).toEqual([503, "wolf"]);
  expect(await errorOf(answer)).toMatchObject({ code: "server_stopping", param: "wolf" });
});

async function untilKnown({ ask }: Served, id: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await ask(`/v1/requests/${id}`)).status !== 200) {
    if (Date.now() > deadline) throw new Error(`request "${id}" never came`);
  }
}

test("errors of the server reach OpenAI's client in its own classes", async () => {
  // nothing listens there any more
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  const served = await openServed({ REDIS_URL: `redis://127.0.0.1:${port}` });
  const away = createOpenAI(served, { maxRetries: 0 }).images.generate({ prompt: "a fox" });
  await expect(away).rejects.toBeInstanceOf(OpenAI.InternalServerError);
  await expect(createOpenAI(served).images.generate({ prompt: "" })).rejects.toBeInstanceOf(
    OpenAI.UnprocessableEntityError,
  );
});
