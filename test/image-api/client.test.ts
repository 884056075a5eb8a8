import type { RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { createImageApi, type ImageApiOptions } from "../../src/image-api/client.ts";
import type { CallRequest } from "../../src/pipeline/ports.ts";
import { afterRequest, closedOrigin, readBody, start, startHttp, startTcp } from "../support/servers.ts";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "./self-signed.ts";

const API_KEY = "key-that-nobody-may-see";
const REQUEST: CallRequest = {
  recipe: {
    model: "Qwen/Qwen-Image",
    prompt: "a red fox, 狐狸",
    negative_prompt: "",
    aspect_ratio: "16:9",
    n: 2,
    seed: 42,
    steps: 20,
    guidance_scale: 2.5,
  },
  response_format: "url",
};
const ANSWER = { created: 1_790_000_000, data: [{ url: "https://images.test/1.png" }], usage: { total: 1 } };
const NOW_MS = 1_790_000_001_000;

const never = () => new AbortController().signal;

function open(origin: string, options: Partial<ImageApiOptions> = {}) {
  const api = createImageApi({
    baseUrl: `${origin}/v1`,
    apiKey: API_KEY,
    timeoutMs: 5000,
    maxConnections: 4,
    now: () => NOW_MS,
    ...options,
  });
  onTestFinished(() => api.close());
  return api;
}

const call = (origin: string, options: Partial<ImageApiOptions> = {}) =>
  open(origin, options).call(REQUEST, { signal: never() });

const json =
  (body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };

describe("a call", () => {
  test("sends every field of the recipe, the key, and nothing twice", async () => {
    const seen: unknown[] = [];
    const origin = await startHttp(async (request, response) => {
      const { method, url, headers } = request;
      seen.push({
        method,
        url,
        key: headers.authorization,
        type: headers["content-type"],
        body: await readBody(request),
      });
      json(ANSWER)(request, response);
    });
    await call(origin, { baseUrl: `${origin}/v1/` });
    const { negative_prompt: _, ...fields } = REQUEST.recipe;
    expect(seen).toEqual([
      {
        method: "POST",
        url: "/v1/images/generations",
        key: `Bearer ${API_KEY}`,
        type: "application/json",
        body: expect.any(String),
      },
    ]);
    expect(JSON.parse((seen[0] as { body: string }).body)).toEqual({ ...fields, response_format: "url" });
  });

  test("sends a negative prompt where there is one", async () => {
    let body = "";
    const origin = await startHttp(async (request, response) => {
      body = await readBody(request);
      json(ANSWER)(request, response);
    });
    const recipe = { ...REQUEST.recipe, negative_prompt: "blur" };
    await open(origin).call({ recipe, response_format: "b64_json" }, { signal: never() });
    expect(JSON.parse(body)).toEqual({ ...recipe, response_format: "b64_json" });
  });

  test("brings the answer, taken apart", async () => {
    const origin = await startHttp(json(ANSWER, { "x-request-id": "r-1" }));
    expect(await call(origin)).toEqual({
      kind: "answered",
      answer: {
        created: ANSWER.created,
        images: [{ url: "https://images.test/1.png" }],
        usage: { total: 1 },
        http_status: 200,
        api_request_id: "r-1",
      },
    });
  });

  test("reads an answer that a proxy compressed although we asked it not to", async () => {
    const origin = await startHttp((request, response) => {
      expect(request.headers["accept-encoding"]).toBe("identity");
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(JSON.stringify(ANSWER)));
    });
    expect(await call(origin)).toMatchObject({ kind: "answered" });
  });

  test("uses no connection twice, so that none can be closed under it", async () => {
    const connections = new Set<unknown>();
    const origin = await startHttp((request, response) => {
      connections.add(request.socket);
      json(ANSWER)(request, response);
    });
    const api = open(origin);
    for (let i = 0; i < 3; i++) await api.call(REQUEST, { signal: never() });
    expect(connections.size).toBe(3);
  });

  test("keeps to its connections; a call over them waits for its turn", async () => {
    let now = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const origin = await startHttp((request, response) => {
      most = Math.max(most, ++now);
      const answer = () => {
        now--;
        json(ANSWER)(request, response);
      };
      // the first two are held until both are there
      waiting.push(answer);
      if (waiting.length >= 2) for (const release of waiting.splice(0)) release();
    });
    const api = open(origin, { maxConnections: 2 });
    const results = await Promise.all(Array.from({ length: 6 }, () => api.call(REQUEST, { signal: never() })));
    expect(results.map((result) => result.kind)).toEqual(Array(6).fill("answered"));
    expect(most).toBe(2);
  });
});

describe("a call that never left is unsent", () => {
  test("refused connection", async () => {
    expect(await call(await closedOrigin())).toMatchObject({
      kind: "unsent",
      failure: { class: "transient", code: "connect_failed", http_status: null },
    });
  });

  test("unknown name", async () => {
    expect(await call("http://nowhere.invalid")).toMatchObject({
      kind: "unsent",
      failure: { class: "transient", code: "dns_failed" },
    });
  });

  test("a certificate for somebody else, signed by nobody", async () => {
    let requests = 0;
    const server = createTlsServer({ key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERT }, (request, response) => {
      requests++;
      json(ANSWER)(request, response);
    });
    const origin = (await start(server)).replace("http:", "https:");
    expect(await call(origin)).toMatchObject({ kind: "unsent", failure: { class: "config", code: "tls_failed" } });
    expect(requests).toBe(0);
  });

  test("a server that speaks no TLS", async () => {
    const origin = (await startHttp(json(ANSWER))).replace("http:", "https:");
    expect(await call(origin)).toMatchObject({ kind: "unsent", failure: { class: "config", code: "tls_failed" } });
  });

  test("a TLS handshake that hangs until our time is over", async () => {
    const origin = (await startTcp(() => {})).replace("http:", "https:");
    expect(await call(origin, { timeoutMs: 200 })).toMatchObject({
      kind: "unsent",
      failure: { class: "transient", code: "connect_timeout" },
    });
  });

  test("a TLS handshake that is reset", async () => {
    const origin = (await startTcp((socket) => socket.once("data", () => socket.resetAndDestroy()))).replace(
      "http:",
      "https:",
    );
    expect(await call(origin)).toMatchObject({
      kind: "unsent",
      failure: { class: "transient", code: "connect_failed" },
    });
  });

  test("a signal that is aborted already", async () => {
    const origin = await startHttp(json(ANSWER));
    expect(await open(origin).call(REQUEST, { signal: AbortSignal.abort() })).toMatchObject({
      kind: "unsent",
      failure: { class: "transient", code: "aborted" },
    });
  });

  test("a call that waited for a connection when it was stopped, and it is not sent later", async () => {
    let requests = 0;
    let release = () => {};
    const first = Promise.withResolvers<void>();
    const origin = await startHttp((request, response) => {
      requests++;
      release = () => json(ANSWER)(request, response);
      first.resolve();
    });
    const api = open(origin, { maxConnections: 1 });
    const running = api.call(REQUEST, { signal: never() });
    await first.promise;
    const stop = new AbortController();
    const queued = api.call(REQUEST, { signal: stop.signal });
    stop.abort();
    expect(await queued).toMatchObject({ kind: "unsent", failure: { code: "aborted" } });
    release();
    expect(await running).toMatchObject({ kind: "answered" });
    await api.close();
    expect(requests).toBe(1);
  });
});

describe("a call that was sent and not answered is unknown", () => {
  const row = (code: string, http_status: number | null = null) => ({
    kind: "unknown",
    failure: { class: "transient", code, http_status },
  });

  test("no answer in time", async () => {
    expect(await call(await startHttp(() => {}), { timeoutMs: 300 })).toMatchObject(row("timed_out"));
  });

  test("headers, and then nothing", async () => {
    const origin = await startHttp((_, response) => response.writeHead(200).write('{"created":'));
    // long enough for the headers to come on a busy machine
    expect(await call(origin, { timeoutMs: 1_500 })).toMatchObject(row("timed_out", 200));
  });

  test("stopped while the API was at work", async () => {
    const stop = new AbortController();
    const origin = await startHttp(() => stop.abort());
    expect(await open(origin).call(REQUEST, { signal: stop.signal })).toMatchObject(row("aborted"));
  });

  test.each([
    ["reset", (socket: import("node:net").Socket) => socket.resetAndDestroy()],
    ["closed", (socket: import("node:net").Socket) => socket.end()],
    ["something that is no HTTP", (socket: import("node:net").Socket) => socket.end("hello\r\n\r\n")],
  ])("%s after the request", async (_, act) => {
    let connections = 0;
    const origin = await startTcp((socket) => {
      connections++;
      afterRequest(socket, () => act(socket));
    });
    expect(await call(origin)).toMatchObject(row("connection_lost"));
    expect(connections).toBe(1);
  });

  test.each([
    ["content-length", `content-length: 1000\r\n\r\n${JSON.stringify(ANSWER).slice(0, -1)}`],
    ["chunked", "transfer-encoding: chunked\r\n\r\n10\r\n{"],
    ["no length", `connection: close\r\n\r\n${JSON.stringify(ANSWER).slice(0, -1)}`],
  ])("a 200 cut short (%s)", async (_, rest) => {
    const origin = await startTcp((socket) => afterRequest(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)));
    expect(await call(origin)).toMatchObject(row("malformed_answer", 200));
  });

  test("a 200 with an endless body", async () => {
    const origin = await startHttp((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(64 * 1024, "a")));
      };
      response.writeHead(200, { "content-type": "application/json" }).on("drain", more);
      more();
    });
    expect(await call(origin, { maxImageBytes: 1000 })).toMatchObject(row("answer_too_large", 200));
  });

  test("a 200 that announces more than n images can be", async () => {
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-length": 9e9 }).flushHeaders());
    expect(await call(origin)).toMatchObject(row("answer_too_large", 200));
  });

  test("a 200 that unpacks to more than n images can be", async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    expect(await call(origin, { maxImageBytes: 1000 })).toMatchObject(row("malformed_answer", 200));
  });
});

describe("a call the API said no to is refused", () => {
  test("its form of error, with the request id and the time to wait", async () => {
    const origin = await startHttp((_, response) => {
      response.writeHead(429, { "retry-after": "3" });
      const message = `slow down, ${API_KEY}`;
      response.end(JSON.stringify({ error: { code: "rate_limit", message, type: "t", param: "r-9" } }));
    });
    expect(await call(origin)).toEqual({
      kind: "refused",
      failure: {
        class: "wait",
        code: "rate_limit",
        message: "Cannot generate: the image API answered 429 rate_limit: slow down, [hidden]",
        http_status: 429,
        api_request_id: "r-9",
        retry_after_ms: 3000,
      },
    });
  });

  test.each([
    [200, "transient", "not_json"],
    [404, "config", "not_the_api"],
    [502, "transient", "http_502"],
  ])("%i with a proxy's HTML", async (status, wanted, code) => {
    const origin = await startHttp((_, response) => response.writeHead(status).end("<!DOCTYPE html><p>nginx"));
    expect(await call(origin)).toMatchObject({ kind: "refused", failure: { class: wanted, code } });
  });

  test("a redirect is not followed: the key goes nowhere else", async () => {
    let elsewhere = 0;
    const other = await startHttp(() => elsewhere++);
    const origin = await startHttp((_, response) => response.writeHead(307, { location: other }).end());
    expect(await call(origin)).toMatchObject({
      kind: "refused",
      failure: { class: "config", code: "unexpected_redirect" },
    });
    expect(elsewhere).toBe(0);
  });

  test.each([
    ["cut short", "content-length: 100\r\n\r\n{"],
    ["larger than anybody reads", "content-length: 999999999\r\n\r\n{"],
  ])("an error whose body is %s is still an error", async (_, rest) => {
    const origin = await startTcp((socket) => afterRequest(socket, () => socket.end(`HTTP/1.1 500 No\r\n${rest}`)));
    expect(await call(origin)).toMatchObject({ kind: "refused", failure: { class: "transient", code: "http_500" } });
  });

  test("an error before the body was read", async () => {
    const origin = await startTcp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 401 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"));
    });
    expect(await call(origin)).toMatchObject({ kind: "refused", failure: { class: "config", code: "http_401" } });
  });
});

test("no failure shows the key", async () => {
  const origin = await startHttp((request, response) => {
    response.writeHead(400).end(JSON.stringify({ error: { message: `got ${request.headers.authorization}` } }));
  });
  const result = await call(origin);
  expect(JSON.stringify(result)).toContain("[hidden]");
  expect(JSON.stringify(result)).not.toContain(API_KEY);
});
