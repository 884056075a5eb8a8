import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeHtml, readErrorWords, readPlainWords, scrub } from "../../src/image-api/error-body.ts";

// each envelope that hosts and gateways use, with the words in it
test.each<[string, unknown, { code?: string; type?: string; message?: string; param?: string }]>([
  [
    "the reference's",
    { error: { code: "c", message: "m", type: "t", param: "r" } },
    { code: "c", type: "t", param: "r" },
  ],
  ["a text", { error: "m" }, {}],
  ["a name and a message", { error: "Not Found", message: "m", status: 404 }, { code: "404", type: "Not Found" }],
  ["OAuth's", { error: "invalid_token", error_description: "m" }, { type: "invalid_token" }],
  [
    "flat",
    { code: "DataInspectionFailed", message: "m", request_id: "r" },
    { code: "DataInspectionFailed", param: "r" },
  ],
  ["flat, with a number", { code: 1302, msg: "m" }, { code: "1302" }],
  ["flat, with data", { code: 20012, message: "m", data: null }, { code: "20012" }],
  ["errcode and errmsg", { errcode: 40001, errmsg: "m" }, { code: "40001" }],
  ["error_code and error_msg", { error_code: 17, error_msg: "m", log_id: 5 }, { code: "17", param: "5" }],
  ["base_resp", { base_resp: { status_code: 1026, status_msg: "m" } }, { code: "1026" }],
  ["ResponseMetadata", { ResponseMetadata: { RequestId: "r", Error: { Code: "c", Message: "m" } } }, { code: "c" }],
  ["Response.Error", { Response: { Error: { Code: "c", Message: "m" }, RequestId: "r" } }, { code: "c" }],
  [
    "a failed task",
    { output: { task_status: "FAILED", code: "c", message: "m" }, request_id: "r" },
    { code: "c", param: "r" },
  ],
  ["errors", { errors: [{ code: "c", message: "m" }] }, { code: "c" }],
  ["errors as texts", { errors: ["m", "other"] }, {}],
  [
    "a list",
    [{ error: { code: 400, message: "m", status: "INVALID_ARGUMENT" } }],
    { code: "400", type: "INVALID_ARGUMENT" },
  ],
  ["detail", { detail: "m" }, {}],
  ["detail with words", { detail: { code: "c", message: "m" } }, { code: "c" }],
  ["detail of a validator", { detail: [{ loc: ["body", "size"], msg: "m", type: "x" }] }, { message: "size: m" }],
  [
    "problem details",
    { type: "about:blank", title: "Bad", status: 400, detail: "m" },
    { code: "400", type: "about:blank" },
  ],
  ["message alone", { message: "m" }, {}],
  ["data with words", { success: false, data: { code: "c", message: "m" } }, { code: "c" }],
  ["a JSON text in a message", { error: { message: '{"error":{"code":"c","message":"m"}}' } }, { code: "c" }],
  ["an image's", { data: [{ error: { code: "c", message: "m" } }, { url: "https://x.test/1.png" }] }, { code: "c" }],
  ["a text alone", "m", {}],
  ["only an id", { error: { param: 17 } }, { message: "", param: "17" }],
])("the words of %s", (_, json, words) => {
  expect(readErrorWords(json)).toMatchObject({ message: "m", ...words });
});

test.each<[string, object]>([
  ["prompt is longer than 800 characters", { message: "prompt is longer than 800 characters" }],
  [
    "<?xml version='1.0'?><Error><Code>c</Code><Message>m</Message><RequestId>r</RequestId></Error>",
    { code: "c", message: "m", param: "r" },
  ],
  ["x".repeat(9_000), { message: "x".repeat(300) }],
])("the words of %s", (text, words) => {
  expect(readPlainWords(text)).toMatchObject(words);
});

test.each([
  ["<html><head><title>502 Bad\n Gateway</title>", "an HTML page: 502 Bad Gateway"],
  ["<!doctype html><style>a{}</style><h1>No</h1>\n<p>such  place</p>", "an HTML page: No such place"],
  ["<!DOCTYPE html>", "an HTML page"],
])("%s is %s", (html, wanted) => {
  expect(describeHtml(html)).toBe(wanted);
});

describe("scrub", () => {
  test.each([
    ["https://images.test/1.png?X-Amz-Signature=hush", "https://images.test/1.png?[hidden]"],
    ['{"url":"https:\\/\\/images.test\\/1.png?sig=hush"}', '{"url":"https:\\/\\/images.test\\/1.png?[hidden]"}'],
    ['{"url":"https://images.test/1.png\\u003fsig=hush"}', '{"url":"https://images.test/1.png?[hidden]"}'],
    ["/img/1.png?token=hush&x=1", "/img/1.png?[hidden]"],
    ["https://me:hush@images.test/1.png", "https://[hidden]@images.test/1.png"],
    ["why? because", "why? because"],
    ["got Bearer hush123", "got Bearer [hidden]"],
    ["a\x1b]0;title\x07b\u202ec\u0000d", "a ]0;title b c d"],
  ])("%s becomes %s", (given, wanted) => {
    expect(scrub(given, "")).toBe(wanted);
  });

  test("leaves no half of a secret where it cuts", () => {
    for (let length = 3_900; length < 4_010; length++)
      expect(scrub(`${" ".repeat(length)}key=nobody-may-see-this`, "nobody-may-see-this")).not.toContain("nob");
  });
});

// each word is bounded before an expression runs over it
test("a mebibyte of any text takes no longer than reading it", () => {
  const texts = [
    "http://",
    "https://a?",
    "insufficient",
    "a".repeat(64),
    " ",
    "<",
    "<title",
    "<script",
    "?",
    "'",
    '"',
    "\\",
  ];
  for (const piece of texts) {
    const text = piece.repeat(Math.ceil(2 ** 20 / piece.length));
    const start = performance.now();
    scrub(text, "secret");
    describeHtml(text);
    readPlainWords(text);
    readErrorWords({ error: { code: text, type: text, message: text, param: text } });
    readErrorWords(text);
    expect(performance.now() - start, piece).toBeLessThan(2_000);
  }
});

test("no value makes it throw, and every word is bounded", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      for (const word of Object.values(readErrorWords(json))) expect(word.length).toBeLessThanOrEqual(4_000);
    }),
  );
  for (const depth of [100, 3_300, 4_400, 300_000])
    expect(readErrorWords(JSON.parse(`${'{"error":'.repeat(depth)}1${"}".repeat(depth)}`)).message).toBe("");
});
