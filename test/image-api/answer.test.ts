import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnswer } from "../../src/image-api/answer.ts";
import { parseBase64 } from "../../src/image-api/image-source.ts";

const NOW_S = 1_790_000_000;
const NOW_MS = NOW_S * 1000;
const URL_1 = "https://images.test/1.png?sign=x";
const BYTES = Buffer.from("not really an image");
const B64 = BYTES.toString("base64");

const read = (json: unknown) => readAnswer(json, { nowMs: NOW_MS, base: "https://api.test/v1" });

describe("the images of an answer", () => {
  test.each<[string, unknown, object[]]>([
    ["a url", [{ url: URL_1 }], [{ url: URL_1 }]],
    ["bytes", [{ b64_json: B64 }], [{ bytes: BYTES }]],
    ["bytes with a prefix", [{ b64_json: `data:image/png;base64,${B64}` }], [{ bytes: BYTES }]],
    ["bytes without padding", [{ b64_json: B64.replace(/=+$/, "") }], [{ bytes: BYTES }]],
    ["bytes in lines", [{ b64_json: `${B64.slice(0, 8)}\n${B64.slice(8)}\n` }], [{ bytes: BYTES }]],
    ["both at once", [{ url: URL_1, b64_json: B64 }], [{ url: URL_1, bytes: BYTES }]],
    ["broken bytes beside a url", [{ url: URL_1, b64_json: "{image_base64_string}" }], [{ url: URL_1 }]],
    ["empty bytes beside a url", [{ url: URL_1, b64_json: "" }], [{ url: URL_1 }]],
    ["an empty url beside bytes", [{ url: "", b64_json: B64 }], [{ bytes: BYTES }]],
    ["null beside a url", [{ url: URL_1, b64_json: null }], [{ url: URL_1 }]],
    ["a data url", [{ url: `data:image/png;base64,${B64}` }], [{ bytes: BYTES }]],
    ["one good among bad", [null, { url: "file:///etc/passwd" }, 3, { url: URL_1 }], [{ url: URL_1 }]],
    ["several in order", [{ url: URL_1 }, { b64_json: B64 }], [{ url: URL_1 }, { bytes: BYTES }]],
  ])("%s", (_, data, images) => {
    expect(read({ created: NOW_S, data })).toEqual({
      kind: "answer",
      answer: { created: NOW_S, images, usage: null },
    });
  });

  test("images beside an error are kept", () => {
    expect(read({ data: [{ url: URL_1 }], error: { message: "late" } })).toMatchObject({ kind: "answer" });
  });

  test("usage is kept as it came", () => {
    const usage = { input_tokens_details: {} };
    expect(read({ created: NOW_S, data: [{ url: URL_1 }], usage })).toMatchObject({ answer: { usage } });
  });
});

test.each([100, 3_000, 4_400, 300_000])("a usage of %i levels costs no image: its text is kept", (levels) => {
  const json = JSON.parse(
    `{"created":${NOW_S},"data":[{"url":"${URL_1}"}],"usage":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`,
  );
  expect(read(json)).toMatchObject({
    kind: "answer",
    answer: { images: [{ url: URL_1 }], usage: expect.stringMatching(/^\{"a":\[\[/) },
  });
});

test.each<[string, unknown, number]>([
  ["as it came", NOW_S - 5, NOW_S - 5],
  ["a day behind", NOW_S - 86_400, NOW_S - 86_400],
  ["with a fraction", NOW_S + 0.9, NOW_S],
  ["missing", undefined, NOW_S],
  ["null", null, NOW_S],
  ["text", "1790000000", NOW_S],
  ["zero", 0, NOW_S],
  ["negative", -1, NOW_S],
  ["milliseconds", NOW_MS, NOW_S],
  ["a constant of long ago", 1_750_667_997, NOW_S],
])("created: %s", (_, created, wanted) => {
  expect(read({ created, data: [{ url: URL_1 }] })).toMatchObject({ answer: { created: wanted } });
});

test.each<[string, unknown, string]>([
  ["no images", { created: NOW_S, data: [] }, "empty"],
  ["no images and error null", { data: [], error: null }, "empty"],
  ["no images and an error", { data: [], error: { code: "busy" } }, "error"],
  ["an error", { error: { message: "m", type: "t", param: "p", code: "c" } }, "error"],
  ["an empty error", { error: {} }, "error"],
  ["an error as text", { error: "busy" }, "error"],
  ["an error without its envelope", { code: 500, message: "busy" }, "error"],
  ["only unusable images", { data: [{ url: "", b64_json: "" }] }, "malformed"],
  ["no data", { created: NOW_S }, "malformed"],
  ["a list", [], "malformed"],
  ["null", null, "malformed"],
  ["text", "ok", "malformed"],
  ["no JSON at all", undefined, "malformed"],
])("no answer: %s", (_, json, kind) => {
  expect(read(json)).toEqual({ kind });
});

describe("base64", () => {
  test("gives any bytes back, with and without prefix and padding", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.boolean(), fc.boolean(), (array, prefix, padding) => {
        const bytes = Buffer.from(array);
        const digits = padding ? bytes.toString("base64") : bytes.toString("base64").replace(/=+$/, "");
        expect(parseBase64(prefix ? `data:image/webp;base64,${digits}` : digits)).toEqual(bytes);
      }),
    );
  });

  test("with a foreign character anywhere is not an image", () => {
    fc.assert(
      fc.property(fc.nat(B64.length - 3), fc.constantFrom("{", "!", "é", "%", "=", "."), (at, foreign) => {
        expect(parseBase64(B64.slice(0, at) + foreign + B64.slice(at + 1))).toBeUndefined();
      }),
    );
  });
});
