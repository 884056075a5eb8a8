import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FailedReply, toFailed } from "../../src/image-api/failure.ts";

const NOW = Date.parse("2026-10-21T07:28:00Z");
const KEY = "key-that-nobody-may-see";

function failed(status: number, reply: Partial<FailedReply> = {}) {
  const isOk = status >= 200 && status < 300;
  const reading = isOk && reply.json !== undefined ? "error" : "malformed";
  const whole = { status, headers: {}, json: undefined, isHtml: false, reading, ...reply } as const;
  return toFailed(whole, {
    apiKey: KEY,
    nowMs: NOW,
    prompt: "a fox on credit, insufficient balance",
    model: "Qwen/Qwen-Image",
  });
}

const error = (code: unknown, message = "m", type = "t.t/t") => ({
  json: { error: { code, message, type, param: "r" } },
});
const html = { isHtml: true };

// the rows of the table in src/image-api/failure.ts, each with its borders
test.each<[number, Partial<FailedReply>, string, string, string]>([
  // out of money, at any status
  [402, {}, "refused", "config", "http_402"],
  [402, error("payment_required"), "refused", "config", "payment_required"],
  [429, error("insufficient_quota"), "refused", "config", "insufficient_quota"],
  [429, error(null, "You exceeded…", "insufficient_quota"), "refused", "config", "insufficient_quota"],
  [403, error("insufficient_user_quota"), "refused", "config", "insufficient_user_quota"],
  [403, error(null, "user balance: Insufficient balance"), "refused", "config", "http_403"],
  [429, error(1113, "账户余额不足"), "refused", "config", "http_429"],
  [400, error("Arrearage"), "refused", "config", "Arrearage"],
  [400, error("billing_hard_limit_reached"), "refused", "config", "billing_hard_limit_reached"],
  [500, error("insufficient_balance"), "refused", "config", "insufficient_balance"],
  [200, error("insufficient_balance"), "refused", "config", "insufficient_balance"],
  [400, error("bad_prompt", 'not allowed: "insufficient balance"'), "refused", "rejected", "bad_prompt"],
  [503, error("load_balancer_error"), "refused", "transient", "load_balancer_error"],
  // the key
  [401, {}, "refused", "config", "http_401"],
  [401, error("invalid_api_key"), "refused", "config", "invalid_api_key"],
  [400, error("invalid_api_key"), "refused", "config", "invalid_api_key"],
  [200, error("unauthorized"), "refused", "config", "unauthorized"],
  [403, {}, "refused", "config", "http_403"],
  [403, html, "refused", "config", "http_403"],
  [407, html, "refused", "config", "http_407"],
  // the content
  [400, error("content_policy_violation"), "refused", "rejected", "content_policy_violation"],
  [403, error("content_policy_violation"), "refused", "rejected", "content_policy_violation"],
  [403, error(null, "blocked by our moderation"), "refused", "rejected", "http_403"],
  [403, error(null, "内容违规"), "refused", "rejected", "http_403"],
  [500, error("data_inspection_failed"), "refused", "rejected", "data_inspection_failed"],
  [200, error("content_filter"), "refused", "rejected", "content_filter"],
  // an error inside a 200
  [200, error("rate_limit_exceeded"), "refused", "wait", "rate_limit_exceeded"],
  [200, error("invalid_parameter"), "refused", "rejected", "invalid_parameter"],
  [200, error("model_not_found"), "refused", "rejected", "model_not_found"],
  [200, error("internal_error"), "refused", "transient", "internal_error"],
  [200, error(500), "refused", "transient", "error_in_answer"],
  [200, { json: { error: "busy" } }, "refused", "transient", "error_in_answer"],
  [200, { json: { code: 1302, msg: "余额不足" } }, "refused", "config", "error_in_answer"],
  [200, { json: { code: 1302, msg: "您的账户请求过于频繁" } }, "refused", "wait", "error_in_answer"],
  [200, { json: { code: 401, message: "who are you" } }, "refused", "config", "error_in_answer"],
  [200, { json: { code: 429, message: "slow down" } }, "refused", "wait", "error_in_answer"],
  [200, { json: { code: 404, message: "no such size" } }, "refused", "rejected", "error_in_answer"],
  [200, { json: { code: "Arrearage", message: "m", request_id: "r" } }, "refused", "config", "Arrearage"],
  [
    200,
    { json: { base_resp: { status_code: 1026, status_msg: "图片涉及敏感内容" } } },
    "refused",
    "rejected",
    "error_in_answer",
  ],
  [
    200,
    { json: { data: [{ error: { code: "OutputImageSensitiveContentDetected" } }] } },
    "refused",
    "rejected",
    "OutputImageSensitiveContentDetected",
  ],
  [200, { json: { code: 9, msg: 'the prompt "余额不足" is odd' } }, "refused", "transient", "error_in_answer"],
  [
    200,
    { json: { code: 9, msg: "odd: a fox on credit, insufficient balance" } },
    "refused",
    "transient",
    "error_in_answer",
  ],
  // a 4xx whose code is no identifier: its words count
  [400, { json: { detail: "Insufficient balance" } }, "refused", "config", "http_400"],
  [400, { json: { message: "Invalid API key" } }, "refused", "config", "http_400"],
  [400, { json: { message: "too many requests" } }, "refused", "wait", "http_400"],
  [503, { json: { message: "the moderation service is away" } }, "refused", "transient", "http_503"],
  [422, { json: { detail: "steps is case-sensitive" } }, "refused", "rejected", "http_422"],
  // a 200 without images
  [200, { json: { data: [] }, reading: "empty" }, "refused", "transient", "empty_answer"],
  [200, html, "refused", "transient", "not_json"],
  [200, {}, "unknown", "transient", "malformed_answer"],
  [200, { json: { data: [{}] }, reading: "malformed" }, "unknown", "transient", "malformed_answer"],
  [204, {}, "unknown", "transient", "malformed_answer"],
  // by status
  [301, {}, "refused", "config", "unexpected_redirect"],
  [308, html, "refused", "config", "unexpected_redirect"],
  [400, {}, "refused", "rejected", "http_400"],
  [400, error("invalid_size"), "refused", "rejected", "invalid_size"],
  [400, error("not an identifier!"), "refused", "rejected", "http_400"],
  [400, error(null, "m", "invalid_request_error"), "refused", "rejected", "invalid_request_error"],
  [404, {}, "refused", "config", "not_the_api"],
  [404, error("not_found", "POST /v1/v1/images/generations: no such route"), "refused", "config", "not_the_api"],
  [404, { json: { detail: "Not Found" } }, "refused", "config", "not_the_api"],
  [404, error("", "Cannot POST https://api.modelverse.test/v1/models/x"), "refused", "config", "not_the_api"],
  [404, error("model_not_found"), "refused", "rejected", "model_not_found"],
  [404, error("", "The model `x` does not exist", ""), "refused", "rejected", "model_not_found"],
  [404, { json: { message: "Qwen/Qwen-Image is gone" } }, "refused", "rejected", "model_not_found"],
  [404, { json: { error: { message: "模型不存在" } } }, "refused", "rejected", "model_not_found"],
  [410, { json: { message: "this model was retired" } }, "refused", "rejected", "model_not_found"],
  [404, html, "refused", "config", "not_the_api"],
  [405, html, "refused", "config", "not_the_api"],
  [405, {}, "refused", "config", "not_the_api"],
  [405, { json: { detail: "Method Not Allowed" } }, "refused", "config", "not_the_api"],
  [410, {}, "refused", "config", "not_the_api"],
  [421, {}, "refused", "config", "not_the_api"],
  [501, {}, "refused", "config", "not_the_api"],
  [511, html, "refused", "config", "http_511"],
  [413, html, "refused", "rejected", "http_413"],
  [422, error("bad_seed"), "refused", "rejected", "bad_seed"],
  [451, {}, "refused", "rejected", "http_451"],
  [408, {}, "refused", "transient", "http_408"],
  [409, error("conflict"), "refused", "transient", "conflict"],
  [425, {}, "refused", "transient", "http_425"],
  [429, {}, "refused", "wait", "http_429"],
  [429, error("rate_limit_exceeded"), "refused", "wait", "rate_limit_exceeded"],
  [429, html, "refused", "wait", "http_429"],
  [500, {}, "refused", "transient", "http_500"],
  [500, error("server_error"), "refused", "transient", "server_error"],
  [502, html, "refused", "transient", "http_502"],
  [503, html, "refused", "transient", "http_503"],
  [504, html, "refused", "transient", "http_504"],
  [529, error("overloaded"), "refused", "transient", "overloaded"],
])("%i with %j is %s, %s, %s", (status, reply, kind, wanted, code) => {
  expect(failed(status, reply)).toMatchObject({ kind, failure: { class: wanted, code, http_status: status } });
});

test.each([
  [429, "30", 30_000],
  [429, "Wed, 21 Oct 2026 07:29:00 GMT", 60_000],
  [503, "5", 5000],
  [408, "2", 2000],
  [429, undefined, null],
  [500, undefined, null],
])("%i with Retry-After %s keeps it", (status, header, retry_after_ms) => {
  expect(failed(status, { headers: { "retry-after": header } }).failure.retry_after_ms).toBe(retry_after_ms);
});

test.each<[string, Record<string, string>, unknown, string | null]>([
  ["param of the error", { "x-request-id": "header" }, { error: { param: "param" } }, "param"],
  ["a header where there is no param", { "x-request-id": "header" }, { error: { param: null } }, "header"],
  ["a number", {}, { error: { param: 17 } }, "17"],
  ["nothing", {}, { error: {} }, null],
  ["at most 200 characters", {}, { error: { param: "x".repeat(999) } }, "x".repeat(200)],
])("the API's request id: %s", (_, headers, json, id) => {
  expect(failed(400, { headers, json }).failure.api_request_id).toBe(id);
});

describe("the message", () => {
  const messageOf = (said: string, status = 400) => failed(status, error("c", said)).failure.message;

  test("names status, code, the API's words, and what to look at", () => {
    expect(messageOf("no such key", 401)).toBe(
      "Cannot generate: the image API answered 401 c: no such key; check IMAGE_API_KEY",
    );
  });

  test.each<[string, Partial<FailedReply>, string]>([
    ["detail", { json: { detail: "prompt is longer than 800 characters" } }, "prompt is longer than 800 characters"],
    ["plain text", { text: "prompt is too long\n" }, "prompt is too long"],
    ["JSON in no known form", { json: { why: "x" }, text: '{"why":"x"}' }, '{"why":"x"}'],
    ["a number as code", { json: { code: 1210, message: "m" } }, "m (1210)"],
    ["a page", { ...html, text: "<title>413 Too Large</title>" }, "an HTML page: 413 Too Large"],
    ["a long text", { text: `${"word ".repeat(500)}` }, "word ".repeat(60).trim()],
  ])("says why, wherever it stands: %s", (_, reply, said) => {
    expect(failed(422, reply).failure.message).toBe(`Cannot generate: the image API answered 422 http_422: ${said}`);
  });

  test("shows the first 200 characters of an answer that cannot be read, cleaned", () => {
    const text = `{"made":"https://i.test/1.png?sign=hush","key":"${KEY}","more":"\x1b[2J${"x".repeat(999)}"}`;
    const { message } = failed(200, {
      json: JSON.parse(text.replaceAll("\x1b", "\\u001b")),
      text,
      reading: "malformed",
    }).failure;
    expect(message).toMatch(
      /^Cannot generate: the image API answered 200 malformed_answer: \{"made":"https:\/\/i\.test\/1\.png\?\[hidden\]"/,
    );
    expect(message).not.toMatch(/hush|nobody/);
    expect(message).not.toContain("\x1b");
    expect(message.length).toBeLessThan(270);
  });

  test("says so where a proxy answered", () => {
    expect(failed(502, html).failure.message).toBe(
      "Cannot generate: the image API answered 502 http_502: an HTML page",
    );
  });

  test.each([
    ["the key", `Incorrect key ${KEY} given`],
    ["a bearer token", "got Bearer abcdef123456"],
    ["a key of the usual form", "got sk-abcdef123456"],
    ["a signed query", "see https://images.test/1.png?abcdef123456"],
  ])("hides %s", (_, said) => {
    expect(messageOf(said)).toContain("[hidden]");
    expect(messageOf(said)).not.toMatch(/abcdef123456|nobody/);
  });

  test("is one bounded line that never holds the key, whatever the API writes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2000 }), fc.string(), (before, after) => {
        const message = messageOf(`${before}${KEY}${after}`);
        expect(message).not.toContain(KEY);
        expect(message).not.toMatch(/[\r\n]/);
        expect(message.length).toBeLessThan(600);
      }),
    );
  });
});

test("no reply of any form makes it throw or lose its status", () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), fc.jsonValue(), fc.boolean(), (status, json, isHtml) => {
      expect(failed(status, { json, isHtml, reading: "malformed" }).failure.http_status).toBe(status);
    }),
  );
});
