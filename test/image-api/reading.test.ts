import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BytesOptions, readBytes } from "../../src/image-api/reading.ts";

const NOW_S = 1_790_000_000;
const BASE = "https://api.test/v1";
const URL_1 = "https://images.test/1.png?sign=x";
const URL_2 = "https://images.test/2.png?sign=y";
const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.from("and so on, and so on")]);
const JPEG = Buffer.concat([Buffer.from("ffd8ffe000104a46494600", "hex"), Buffer.from("and so on, and so on")]);
const B64 = PNG.toString("base64");

const read = (body: string | Buffer, options: Partial<BytesOptions> = {}) =>
  readBytes(Buffer.from(body as string), { nowMs: NOW_S * 1000, base: BASE, ...options }).reading;
const imagesOf = (body: string | Buffer, options?: Partial<BytesOptions>) => {
  const reading = read(body, options);
  return reading.kind === "answer" ? reading.answer.images : reading.kind;
};

const url = { url: URL_1 };
const bytes = { bytes: PNG };
const plain = JSON.stringify({ created: NOW_S, data: [url] });
const percent = (buffer: Buffer) => [...buffer].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const event = (value: unknown, name = "") => `${name && `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`;

describe("what stands around the JSON", () => {
  test.each<[string, string | Buffer]>([
    ["nothing", plain],
    ["a byte order mark", `\ufeff${plain}`],
    ["white space", `\r\n\t ${plain} \n\n`],
    ["a NUL behind it", `${plain}\0`],
    ["NULs on both sides", `\0\0\0\0${plain}\0\0\0\0`],
    ["UTF-16, little end first, with its mark", Buffer.from(`\ufeff${plain}`, "utf16le")],
    ["UTF-16, big end first, with its mark", Buffer.from(`\ufeff${plain}`, "utf16le").swap16()],
    ["UTF-16 without a mark", Buffer.from(plain, "utf16le")],
    ["a code fence", `\`\`\`json\n${plain}\n\`\`\``],
    ["a callback", `callback(${plain});`],
    ["a guard against scripts", `)]}',\n${plain}`],
    ["a loop against scripts", `while(1);${plain}`],
    ["the end of a chunk", `${plain}\r\n0\r\n\r\n`],
    ["a sentence before it", `Here is your image:\n${plain}`],
    ["a record separator", `\x1e${plain}\n`],
    ["JSON in a string", JSON.stringify(plain)],
    ["JSON in a string in a string", JSON.stringify(JSON.stringify(plain))],
    ["an event stream", `data: ${plain}\n\ndata: [DONE]\n\n`],
    ["an event stream without spaces", `data:${plain}\n\ndata:[DONE]`],
    ["an event stream with CRLF and comments", `: keep-alive\r\n\r\nevent: done\r\nid: 1\r\ndata: ${plain}\r\n\r\n`],
    ["an event of several lines", `data: {"created":${NOW_S},\ndata: "data":[{"url":\ndata: "${URL_1}"}]}\n\n`],
    ["an event broken within a word", `data: ${plain.slice(0, 50)}\ndata: ${plain.slice(50)}\n\n`],
    ["events without empty lines", `data: {"progress":50}\ndata: ${plain}\ndata: [DONE]\n`],
    [
      "progress before the last event",
      `${event({ status: "processing" })}${event({ progress: 0.5 })}data: ${plain}\n\n`,
    ],
    ["an event without its end", `data: {"progress":1}\n\ndata: ${plain}`],
    ["a preview before the last event", `${event({ type: "x.partial_image", b64_json: B64 })}data: ${plain}\n\n`],
    ["JSON lines", `{"progress":50}\n${plain}\n`],
    [
      "single quotes, as of Python",
      `{'created': ${NOW_S}, 'data': [{'url': '${URL_1}', 'b64_json': None}], 'ok': True}`,
    ],
    ["a comma at the end", `{"created":${NOW_S},"data":[{"url":"${URL_1}",},],}`],
    ["comments", `/* made */ {"created":${NOW_S}, // now\n"data":[{"url":"${URL_1}"}]}`],
    ["names without quotes", `{created:${NOW_S},data:[{url:"${URL_1}"}]}`],
    ["NaN beside it", `{"created":${NOW_S},"timings":NaN,"data":[{"url":"${URL_1}"}]}`],
  ])("%s", (_, body) => {
    expect(read(body)).toMatchObject({ kind: "answer", answer: { created: NOW_S, images: [url] } });
  });

  test("a charset that is named", () => {
    const body = Buffer.concat([
      Buffer.from('{"data":[{"url":"'),
      Buffer.from("banana", "latin1"),
      Buffer.from([0xba, 0xfc]),
    ]);
    expect(
      imagesOf(Buffer.concat([body, Buffer.from('.png"}]}')]), { contentType: "application/json; charset=gbk" }),
    ).toEqual([{ url: `${BASE}/banana${encodeURIComponent("狐")}.png` }]);
  });
});

describe("where the images are", () => {
  test.each<[string, unknown]>([
    ["the reference's form", { data: [url] }],
    ["images", { images: [url] }],
    ["images as texts", { images: [URL_1] }],
    ["data as texts", { data: [URL_1] }],
    ["data as an object", { data: url }],
    ["data as a text", { data: URL_1 }],
    ["data as JSON in a text", { data: JSON.stringify([url]) }],
    ["data within data", { data: { data: [url] } }],
    ["images within data", { code: 0, msg: "ok", data: { images: [url] } }],
    ["image_urls within data", { data: { image_urls: [URL_1] } }],
    ["result.data", { result: { data: [url] } }],
    ["output.results[].url", { output: { results: [url] }, request_id: "r" }],
    ["output.urls", { output: { task_status: "Success", urls: [URL_1] } }],
    ["a finished task", { output: { task_id: "t", task_status: "SUCCEEDED", results: [url] } }],
    ["output_images", { task_status: "SUCCEED", output_images: [URL_1] }],
    ["output as a list", { status: "succeeded", output: [URL_1], urls: { get: "https://api.test/p/1" } }],
    ["output as a text", { status: "succeeded", output: URL_1 }],
    ["choices", { output: { choices: [{ message: { role: "assistant", content: [{ image: URL_1 }] } }] } }],
    ["image_url", { choices: [{ message: { content: "", images: [{ type: "image_url", image_url: url }] } }] }],
    ["markdown", { choices: [{ message: { content: `Here: ![a fox](${URL_1})` } }] }],
    ["a list alone", [url]],
    ["an address alone at the top", url],
    ["names in another case", { Data: [{ Url: URL_1 }] }],
    ["names of another style", { generatedImages: [{ imageUrl: URL_1 }] }],
    ["a numbered object", { data: { 0: url } }],
    ["a lambda's answer", { statusCode: 200, body: JSON.stringify({ data: [url] }) }],
    ["fal", { images: [{ ...url, width: 8, content_type: "image/png" }], timings: {}, seed: 1, prompt: "a fox" }],
    ["an empty list beside it", { data: [], images: [url] }],
    ["null beside it", { error: null, data: [url] }],
    ["an error without a word", { error: {}, data: [url] }],
    ["spaces around an address", { data: [{ url: ` ${URL_1}\n` }] }],
    ["quotes around an address", { data: [{ url: `"${URL_1}"` }] }],
    ["an address under a field for bytes", { data: [{ b64_json: URL_1 }] }],
  ])("%s", (_, json) => {
    expect(imagesOf(JSON.stringify(json))).toEqual([url]);
  });

  test("a scheme in another case is left as it came", () => {
    expect(imagesOf('{"data":[{"url":"HTTPS://images.test/1.png"}]}')).toEqual([{ url: "HTTPS://images.test/1.png" }]);
  });

  test.each([
    ["/img/ok.png", "https://api.test/img/ok.png"],
    ["img/ok.png", `${BASE}/img/ok.png`],
    ["./ok.png?x=1", `${BASE}/ok.png?x=1`],
    ["ok.webp", `${BASE}/ok.webp`],
    ["//cdn.test/ok.png", "https://cdn.test/ok.png"],
    ["/files/42", "https://api.test/files/42"],
    ["https://images.test/1.png?a=1&amp;b=2", "https://images.test/1.png?a=1&b=2"],
  ])("%s counts from the base URL", (given, wanted) => {
    expect(imagesOf(JSON.stringify({ data: [{ url: given }] }))).toEqual([{ url: wanted }]);
  });

  test.each([
    ["as a plain text", URL_1, [url]],
    ["as lines", `${URL_1}\n${URL_2}\n`, [url, { url: URL_2 }]],
    ["as the image itself", PNG, [bytes]],
    ["as base64 alone", B64, [bytes]],
    ["as a data URL alone", `data:image/png;base64,${B64}`, [bytes]],
    ["as an event that is a data URL", `data: data:image/png;base64,${B64}\n\n`, [bytes]],
  ])("%s", (_, body, images) => {
    expect(imagesOf(body)).toEqual(images);
  });

  test("images that come one by one are put in order, and only their last state counts", () => {
    const body = [1, 0].map((image_index) => event({ image_index, url: `https://i.test/${image_index}.png` })).join("");
    expect(imagesOf(`${body}${event({ type: "completed", usage: {} })}`)).toEqual([
      { url: "https://i.test/0.png" },
      { url: "https://i.test/1.png" },
    ]);
    expect(imagesOf(event({ images: [{ url: URL_2 }] }) + event({ images: [url] }))).toEqual([url]);
  });
});

describe("bytes, whatever their field is called", () => {
  test.each<[string, unknown]>([
    ["base64", { b64_json: B64 }],
    ["a data URL in capitals", { b64_json: `DATA:image/png;BASE64,${B64}` }],
    ["a data URL under url", { url: `data:image/png;base64,${B64}` }],
    ["a data URL with parameters", { url: `data:image/png;name=a.png;charset=utf-8;base64,${B64}` }],
    ["a data URL without a type", { url: `data:;base64,${B64}` }],
    ["a data URL twice", { b64_json: `data:image/png;base64,data:image/png;base64,${B64}` }],
    ["a percent-encoded data URL", { url: `data:image/png,${percent(PNG)}` }],
    ["percent-encoded base64", { url: `data:image/png;base64,${encodeURIComponent(B64)}` }],
    ["base64 that is not called so", { url: `data:image/png,${B64}` }],
    ["the head without data:", { b64_json: `image/png;base64,${B64}` }],
    ["base64 under url", { url: B64 }],
    ["base64 under image", { image: B64 }],
    ["lines", { b64_json: B64.replace(/(.{10})/g, "$1\r\n") }],
    ["spaces", { b64_json: B64.replace(/(.{10})/g, "$1 ") }],
    ["no padding", { b64_json: B64.replace(/=+$/, "") }],
    ["a list of bytes", { b64_json: [...PNG] }],
    ["a serialized buffer", { image: { type: "Buffer", data: [...PNG] } }],
    ["inline data", { inlineData: { mimeType: "image/png", data: B64 } }],
    ["another name", { bytesBase64Encoded: B64 }],
  ])("%s", (_, entry) => {
    expect(imagesOf(JSON.stringify({ data: [entry] }))).toEqual([bytes]);
  });

  test("the url-safe alphabet, and a JPEG that begins like a path", () => {
    const other = Buffer.concat([JPEG, Buffer.from([0xff, 0xfe, 0xfb, 0xef, 0xbe])]);
    expect(other.toString("base64")).toMatch(/^\/9j.*[+/]/);
    for (const text of [other.toString("base64"), other.toString("base64url")])
      expect(imagesOf(JSON.stringify({ data: [{ url: text }] }))).toEqual([{ bytes: other }]);
  });

  test("raw newlines in a string, which is not JSON", () => {
    expect(imagesOf(`{"data":[{"b64_json":"${B64.slice(0, 20)}\n${B64.slice(20)}"}]}`)).toEqual([bytes]);
  });
});

test.each<[string, string, string]>([
  ["a task that was begun", '{"output":{"task_id":"t","task_status":"PENDING"},"request_id":"r"}', "malformed"],
  ["a task with a message", '{"task_id":"t","message":"submitted"}', "malformed"],
  [
    "a task with addresses to ask at",
    '{"request_id":"r","status_url":"https://a.test/s","response_url":"https://a.test/r"}',
    "malformed",
  ],
  [
    "a prediction that runs",
    '{"id":"p","status":"processing","urls":{"get":"https://a.test/p"},"output":null}',
    "malformed",
  ],
  ["an event stream of progress alone", 'data: {"progress":1}\n\ndata: [DONE]\n\n', "malformed"],
  ["an event stream with an error", 'event: error\ndata: {"code":"bad","message":"no"}\n\n', "error"],
  ["a success without images", '{"code":0,"msg":"success"}', "malformed"],
  ["a success in Chinese", '{"code":200,"message":"操作成功","data":{}}', "malformed"],
  ["a preview alone", event({ type: "image_generation.partial_image", b64_json: B64 }), "malformed"],
  ["an error with the address of its page", '{"error":"no","url":"https://docs.test/errors"}', "error"],
  ["a message with an address", '{"message":"https://docs.test/errors says why"}', "error"],
  ["an empty body", "", "malformed"],
  ["a NUL", "\0", "malformed"],
  ["a word", "ok", "malformed"],
  ["a page", `<!doctype html><script>{"data":[{"url":"${URL_1}"}]}</script>`, "malformed"],
  ["JSON cut short", plain.slice(0, -3), "malformed"],
  [
    "other schemes",
    '{"data":[{"url":"file:///etc/x.png"},{"url":"s3://b/x.png"},{"url":"javascript:x.png"}]}',
    "malformed",
  ],
])("no images: %s", (_, body, kind) => {
  expect(imagesOf(body)).toBe(kind);
});

describe("an answer that was cut short, read again", () => {
  const whole = JSON.stringify({
    created: NOW_S,
    data: [{ url: URL_1 }, { url: URL_2, b64_json: null }],
    usage: { a: [1] },
  });

  test("brings what came whole, wherever it ends, and nothing else", () => {
    for (let end = 0; end < whole.length; end++) {
      const images = imagesOf(whole.slice(0, end), { cut: true });
      const expected = [URL_1, URL_2]
        .filter((one) => whole.slice(0, end).includes(`${one}"`))
        .map((one) => ({ url: one }));
      expect(images).toEqual(expected.length > 0 ? expected : expect.any(String));
      expect(imagesOf(whole.slice(0, end))).toEqual(expect.any(String));
    }
  });
});

describe("whatever comes", () => {
  const levels = [100, 3_300, 4_400, 300_000];

  test.each(levels)("%i levels end in a reading", (depth) => {
    for (const [open, end] of [
      ["[", "]"],
      ['{"data":', "}"],
      ['{"error":', "}"],
    ] as const) {
      const body = `${open.repeat(depth)}null${end.repeat(depth)}`;
      expect(["malformed", "error", "empty"]).toContain(read(body).kind);
      expect(["malformed", "error", "empty"]).toContain(read(body.slice(0, -10), { cut: true }).kind);
    }
  });

  test("it never throws", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.json().map((json) => json.slice(0, -1)),
    );
    fc.assert(fc.property(text, fc.boolean(), (body, cut) => void read(body, { cut })));
    fc.assert(fc.property(fc.uint8Array(), (body) => void read(Buffer.from(body))));
  });

  test.each<[string, (length: number) => string]>([
    ["brackets without an end", (length) => "{".repeat(length)],
    ["lists without an end", (length) => "[1,".repeat(length / 3)],
    ["quotes", (length) => `{${"'".repeat(length)}`],
    ["backslashes", (length) => `{"${"\\".repeat(length)}`],
    ["escaped quotes", (length) => `{"${'\\"'.repeat(length / 2)}`],
    ["comments", (length) => `{${"/*".repeat(length / 2)}`],
    ["events", (length) => "data: {\n".repeat(length / 8)],
    ["data URLs", (length) => `{"data":"${"data:,".repeat(length / 6)}"}`],
    ["tags", (length) => "<".repeat(length)],
    ["objects", (length) => '{"a":1}'.repeat(length / 7)],
    ["percent signs", (length) => `{"data":"data:image/png,${"%".repeat(length)}"}`],
    ["white space", (length) => `${" ".repeat(length)}x${" ".repeat(length)}x`],
  ])("%s take time by their length", (_, make) => {
    const time = (length: number) => {
      const body = Buffer.from(make(length));
      const start = performance.now();
      read(body, { cut: true });
      return performance.now() - start;
    };
    time(50_000);
    // far above what a megabyte takes on a busy machine, and far below the minutes of a quadratic one
    expect(time(1_000_000)).toBeLessThan(5_000);
  });
});

test("gzip that reached this far is not JSON", () => {
  expect(imagesOf(gzipSync(plain))).toBe("malformed");
});
