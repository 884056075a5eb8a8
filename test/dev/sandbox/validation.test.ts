// Every rule of the API's document, row by row.
import { describe, expect, test } from "vitest";
import { validate } from "../../../src/dev/sandbox/validation.ts";

const base = { model: "Qwen/Qwen-Image", prompt: "a red fox" };
const call = (fields: object) => validate({ ...base, ...fields }, () => 4711);

describe("a call that fits", () => {
  test("gets every default and the drawn seed", () => {
    expect(call({})).toEqual({
      recipe: { ...base, negative_prompt: "", aspect_ratio: "1:1", n: 1, seed: 4711, steps: 20, guidance_scale: 2.5 },
      seed_given: false,
      response_format: "url",
    });
  });

  test.each<[string, unknown]>([
    ["n", 1],
    ["n", 4],
    ["n", null],
    ...["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"].map((ratio): [string, unknown] => [
      "aspect_ratio",
      ratio,
    ]),
    ["seed", -1],
    ["seed", 0],
    ["seed", Number.MAX_SAFE_INTEGER],
    ["steps", 1],
    ["steps", 50],
    ["guidance_scale", 1],
    ["guidance_scale", 10],
    ["guidance_scale", 7.25],
    ["negative_prompt", ""],
    ["response_format", "b64_json"],
    ["response_format", null],
    ["size", "1024x1024"],
    ["prompt", "一只红色的狐狸"],
  ])("%s: %j", (field, value) => {
    expect(call({ [field]: value })).toHaveProperty("recipe");
  });

  test("keeps what was given", () => {
    const fields = { n: 3, aspect_ratio: "9:21", seed: 0, steps: 50, guidance_scale: 9.5, negative_prompt: "fog" };
    expect(call(fields)).toMatchObject({ recipe: { ...base, ...fields }, seed_given: true });
  });
});

describe("a call that does not fit", () => {
  test.each<[string, unknown]>([
    ["prompt", undefined],
    ["prompt", ""],
    ["prompt", "  \n"],
    ["prompt", 5],
    ["prompt", "\ud800"],
    ["model", undefined],
    ["model", 1],
    ["n", 0],
    ["n", 5],
    ["n", 1.5],
    ["n", "2"],
    ["aspect_ratio", "5:4"],
    ["aspect_ratio", "16x9"],
    ["aspect_ratio", 1],
    ["seed", -2],
    ["seed", 0.5],
    ["seed", "42"],
    ["seed", 2 ** 60],
    ["steps", 0],
    ["steps", 51],
    ["steps", 20.5],
    ["guidance_scale", 0.99],
    ["guidance_scale", 10.01],
    ["guidance_scale", "2.5"],
    ["negative_prompt", 0],
    ["response_format", "png"],
  ])("%s: %j", (field, value) => {
    const refusal = call({ [field]: value });
    expect(refusal).toMatchObject({ status: 400, code: "invalid_parameter", type: "invalid_request_error" });
    expect(refusal).toHaveProperty("message", expect.stringMatching(new RegExp(`^${field} `)));
  });

  test("an unknown model is 404 model_not_found", () => {
    expect(call({ model: "Qwen/Other" })).toMatchObject({ status: 404, code: "model_not_found" });
  });

  test.each([[null], [undefined], ["text"], [[]]])("a body that is %j", (body) => {
    expect(validate(body, () => 0)).toMatchObject({ status: 400 });
  });
});
