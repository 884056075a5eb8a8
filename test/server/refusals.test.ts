// The table of every error that the server gives, and who is let in.
import { describe, expect, test } from "vitest";
import { errorSchema } from "../../src/server/schemas.ts";
import { errorOf, openServed, sendRaw } from "./support.ts";

const JSON_TYPE = { "content-type": "application/json" };
const DIGEST = "0".repeat(64);

describe("what does not fit", () => {
  test.each<[string, string, RequestInit, number, string]>([
    ["a body that is no JSON", "/v1/requests", { method: "POST", body: "{", headers: JSON_TYPE }, 400, "invalid_json"],
    ["no body", "/v1/requests", { method: "POST", headers: JSON_TYPE }, 400, "invalid_json"],
    [
      "a body that is no UTF-8",
      "/v1/requests",
      { method: "POST", body: Buffer.from([0x22, 0xff, 0x22]), headers: JSON_TYPE },
      400,
      "invalid_json",
    ],
    [
      "JSON that is no object",
      "/v1/requests",
      { method: "POST", body: "[]", headers: JSON_TYPE },
      422,
      "invalid_request",
    ],
    [
      "a form",
      "/v1/requests",
      { method: "POST", body: new URLSearchParams({ prompt: "a" }) },
      415,
      "unsupported_media_type",
    ],
    [
      "text, as a web page could send it",
      "/v1/requests",
      { method: "POST", body: '{"prompt":"a"}' },
      415,
      "unsupported_media_type",
    ],
    [
      "a compressed body",
      "/v1/requests",
      { method: "POST", body: "x", headers: { ...JSON_TYPE, "content-encoding": "gzip" } },
      415,
      "unsupported_media_type",
    ],
    [
      "a body of more than 1 MiB",
      "/v1/requests",
      { method: "POST", body: `{"prompt":"${"x".repeat(1024 * 1024)}"}`, headers: JSON_TYPE },
      413,
      "body_too_large",
    ],
    ["an unknown request", "/v1/requests/nobody", {}, 404, "request_not_found"],
    ["a request id that cannot be", "/v1/requests/no%3Agood%2F..", {}, 404, "request_not_found"],
    ["an unknown request to cancel", "/v1/requests/nobody", { method: "DELETE" }, 404, "request_not_found"],
    ["an unknown request to retry", "/v1/requests/nobody/retry", { method: "POST" }, 404, "request_not_found"],
    ["a wait that is no duration", "/v1/requests/nobody?wait=long", {}, 422, "invalid_request"],
    ["an unknown asset", `/v1/assets/${DIGEST}`, {}, 404, "asset_not_found"],
    ["the content of an unknown asset", `/v1/assets/${DIGEST}/content`, {}, 404, "asset_not_found"],
    ["a digest that is none", "/v1/assets/..%2f..%2fcatalog.db/content", {}, 404, "asset_not_found"],
    ["an unknown path", "/v2/requests", {}, 404, "not_found"],
    ["a path with a slash too many", "/v1/requests/", {}, 404, "not_found"],
    ["a method that is not for this path", "/v1/requests", { method: "PUT" }, 405, "method_not_allowed"],
    ["DELETE of everything", "/v1/requests", { method: "DELETE" }, 405, "method_not_allowed"],
    ["POST to the page", "/", { method: "POST" }, 405, "method_not_allowed"],
    ["a preflight", "/v1/requests", { method: "OPTIONS" }, 405, "method_not_allowed"],
    ["a bulk that is no JSON lines", "/v1/requests/bulk", { method: "POST", body: "x" }, 415, "unsupported_media_type"],
    [
      "images streamed",
      "/v1/images/generations",
      { method: "POST", body: '{"prompt":"a","stream":true}', headers: JSON_TYPE },
      422,
      "invalid_request",
    ],
    [
      "images without a prompt",
      "/v1/images/generations",
      { method: "POST", body: "{}", headers: JSON_TYPE },
      422,
      "invalid_request",
    ],
  ])("%s", async (_, path, init, status, code) => {
    const { ask } = await openServed();
    const answer = await ask(path, init);
    expect([answer.status, await errorOf(answer.clone())]).toMatchObject([status, { code }]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    errorSchema.parse(await answer.json());
  });

  test("405 names the methods that are allowed", async () => {
    const { ask } = await openServed();
    expect((await ask("/v1/requests", { method: "PUT" })).headers.get("allow")).toBe("POST, GET, HEAD");
    expect((await ask("/v1/requests/x", { method: "PATCH" })).headers.get("allow")).toBe("GET, HEAD, DELETE");
  });

  test("a host that is none is a JSON error, too", async () => {
    const { url } = await openServed();
    const answer = await sendRaw(url, "GET /v1/requests HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"bad_request"');
  });
});

test("each exchange has an id: the caller's, where it is one, or a fresh one", async () => {
  const { ask } = await openServed();
  const id = async (given?: string) => {
    const answer = await ask("/v1/requests/nobody", given === undefined ? {} : { headers: { "x-request-id": given } });
    expect((await errorOf(answer)).param).toBe(answer.headers.get("x-request-id"));
    return answer.headers.get("x-request-id");
  };
  expect(await id("trace-7")).toBe("trace-7");
  expect(await id("no good <b>")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await id()).toMatch(/^[0-9a-f-]{36}$/);
});

describe("a server with tokens", () => {
  const settings = { API_TOKENS: "token-a, token-b" };

  test.each([
    ["/v1/requests", undefined, 401],
    ["/v1/requests", "token-a", 200],
    ["/v1/requests", "token-b", 200],
    ["/v1/requests", "token-c", 401],
    ["/v1/assets", undefined, 401],
    [`/v1/assets/${DIGEST}/content`, undefined, 401],
    [`/v1/assets/${DIGEST}/content?signature=`, undefined, 401],
    [`/v1/assets/${DIGEST}/content?signature=AAAA`, undefined, 401],
    [`/v1/assets/${DIGEST}?signature=AAAA`, undefined, 401],
    ["/v1/status", undefined, 401],
    ["/metrics", undefined, 401],
    ["/metrics", "token-a", 200],
    ["/nothing", undefined, 401],
    ["/healthz", undefined, 200],
    ["/readyz", undefined, 200],
    ["/openapi.json", undefined, 200],
    ["/", undefined, 200],
  ])("%s with %s is %i", async (path, token, status) => {
    const { ask } = await openServed(settings);
    const answer = await ask(path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(status);
    if (status === 401) {
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await errorOf(answer)).toMatchObject({ code: "invalid_token", type: "authentication_error" });
    }
  });

  test("nothing of a body is looked at without a token", async () => {
    const { post, app } = await openServed(settings);
    expect((await post("/v1/requests", { prompt: "a fox" })).status).toBe(401);
    expect([...app.catalog().listRequests()]).toEqual([]);
  });

  test("may be called by any name", async () => {
    const { url } = await openServed(settings);
    const answer = await sendRaw(url, "GET /healthz HTTP/1.1\r\nHost: pictures.example\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe("a server without tokens", () => {
  test.each([
    ["localhost:1", 200],
    ["127.0.0.1", 200],
    ["[::1]:8080", 200],
    ["evil.example", 421],
    ["127.0.0.1.evil.example", 421],
  ])("called %s answers %i", async (host, status) => {
    const { url } = await openServed();
    const answer = await sendRaw(url, `GET /v1/requests HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("looks at each name, whatever was let in before", async () => {
    const { url } = await openServed();
    const statusOf = async (target: string, host: string) => {
      const answer = await sendRaw(url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      return Number(answer.split(" ")[1]);
    };
    expect(await statusOf("/healthz", "localhost")).toBe(200);
    for (const host of ["localhost.evil.example", "localhost@evil.example", "evil.example", "localhost:1@evil.example"])
      expect([host, await statusOf("/healthz", host)]).not.toEqual([host, 200]);
    expect(await statusOf("http://evil.example/healthz", "localhost")).toBe(421);
    expect(await statusOf("/healthz", "localhost")).toBe(200);
  });

  test.each([
    { PUBLIC_URL: "https://pictures.example" },
    { PUBLIC_URL: "http://192.0.2.1:8080" },
    { PUBLIC_URL: "http://127.0.0.1.evil.example" },
    { HOST: "0.0.0.0" },
    { HOST: "0.0.0.0", PUBLIC_URL: "http://localhost:8080" },
  ])("does not start with %j", async (settings) => {
    await expect(openServed(settings)).rejects.toMatchObject({
      code: "tokens_required",
      faults: [{ field: "API_TOKENS" }],
    });
  });
});

test("who asks too often is told when to come back, each token by itself, and health is never refused", async () => {
  const { ask } = await openServed({ API_TOKENS: "token-a,token-b", HTTP_RATE_LIMIT: "2/h" });
  const status = async (token: string, path = "/v1/status") =>
    (await ask(path, { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await status("token-a"), await status("token-a")]).toEqual([200, 200]);
  const answer = await ask("/v1/status", { headers: { authorization: "Bearer token-a" } });
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(1_000);
  expect(await errorOf(answer)).toMatchObject({ code: "rate_limited", type: "rate_limit_error" });
  expect(await status("token-b")).toBe(200);
  expect(await status("token-a", "/healthz")).toBe(200);
});
