import { describe, expect, test } from "vitest";
import { IGNORED_PARAMETERS, toImagesForm } from "../../src/server/openai-form.ts";

describe("size becomes the nearest aspect ratio", () => {
  test.each([
    ["1024x1024", "1:1"],
    ["256x256", "1:1"],
    ["1536x1024", "3:2"],
    ["1024x1536", "2:3"],
    ["1792x1024", "16:9"],
    ["1024x1792", "9:16"],
    ["1664x928", "16:9"],
    ["1472x1140", "4:3"],
    ["2560x1080", "21:9"],
    ["640x1500", "9:21"],
    ["auto", undefined],
  ])("%s is %s", (size, aspect_ratio) => {
    expect(toImagesForm({ prompt: "a fox", size }).data).toEqual({
      prompt: "a fox",
      ...(aspect_ratio === undefined ? {} : { aspect_ratio }),
    });
  });

  test("an aspect_ratio that is given wins", () => {
    expect(toImagesForm({ size: "1024x1024", aspect_ratio: "16:9" }).data).toEqual({ aspect_ratio: "16:9" });
  });

  test.each(["4000x100", "100x4000", "big", "0x0", "1024", "1024x", 1024, {}])("%j is refused", (size) => {
    expect(() => toImagesForm({ prompt: "a fox", size })).toThrow(
      expect.objectContaining({ code: "invalid_request", faults: [expect.objectContaining({ field: "size" })] }),
    );
  });
});

test("what means nothing here is left out and named", () => {
  const body = Object.fromEntries(IGNORED_PARAMETERS.map((name) => [name, "x"]));
  expect(toImagesForm({ prompt: "a fox", ...body })).toEqual({
    data: { prompt: "a fox" },
    ignored: [...IGNORED_PARAMETERS],
  });
});

test("null is the same as not there", () => {
  expect(toImagesForm({ prompt: "a fox", n: null, user: null, stream: null, size: null })).toEqual({
    data: { prompt: "a fox" },
    ignored: [],
  });
});

test("images are not streamed", () => {
  expect(toImagesForm({ prompt: "a fox", stream: false }).data).toEqual({ prompt: "a fox" });
  expect(() => toImagesForm({ prompt: "a fox", stream: true })).toThrow(/stream/);
});

test.each([[null], [42], [["a"]], ["text"]])("%j goes on to be refused by the job form", (body) => {
  expect(toImagesForm(body)).toEqual({ data: body, ignored: [] });
});

test("fields that nobody knows go on, so that a misspelt one is named", () => {
  expect(toImagesForm({ promt: "a fox" }).data).toEqual({ promt: "a fox" });
});
