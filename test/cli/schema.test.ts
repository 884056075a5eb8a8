// The published job form: what it lets through and what not is what the worker lets through and not.
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { toJobSchema } from "../../src/domain/request/job-schema.ts";
import { parseSubmission } from "../../src/domain/request/submission.ts";
import { openPlace } from "./support.ts";

const validate = new Ajv2020({ strict: true, formats: { uri: true } }).compile(toJobSchema());

const accepts = (data: unknown) => {
  try {
    return Boolean(parseSubmission(data));
  } catch {
    return false;
  }
};

describe("the job schema and the worker agree on", () => {
  test.each([
    ["a prompt alone", { prompt: "a fox" }, true],
    [
      "everything",
      {
        request_id: "fox-1",
        prompt: "a fox",
        model: "Qwen/Qwen-Image",
        n: 4,
        aspect_ratio: "16:9",
        seed: 42,
        steps: 50,
        guidance_scale: 7.5,
        negative_prompt: "",
        response_format: "b64_json",
        collection: "animals",
        tags: ["a"],
        metadata: { order: [1, null, { deep: true }] },
        reuse: false,
        webhook_url: "https://example.com/hook",
      },
      true,
    ],
    ["no prompt", {}, false],
    ["an empty prompt", { prompt: "" }, false],
    ["a prompt of blanks", { prompt: " \n" }, false],
    ["a prompt that is too long", { prompt: "x".repeat(32_769) }, false],
    ["an id with a colon", { prompt: "a", request_id: "a:b" }, false],
    ["five images", { prompt: "a", n: 5 }, false],
    ["half an image", { prompt: "a", n: 1.5 }, false],
    ["an unknown ratio", { prompt: "a", aspect_ratio: "5:4" }, false],
    ["a seed below -1", { prompt: "a", seed: -2 }, false],
    ["too many steps", { prompt: "a", steps: 51 }, false],
    ["a misspelt field", { prompt: "a", sedd: 1 }, false],
    ["tags that are no list", { prompt: "a", tags: "x" }, false],
    ["metadata of any kind", { prompt: "a", metadata: "text" }, true],
    ["a webhook with a password", { prompt: "a", webhook_url: "https://me:pw@a.test/b" }, false],
    ["a webhook with an @ in its path", { prompt: "a", webhook_url: "https://a.test/@b?c=d@e" }, true],
    ["a webhook by ftp", { prompt: "a", webhook_url: "ftp://a/b" }, false],
    ["no object", ["a"], false],
  ])("%s", (_, data, fits) => {
    expect(accepts(data)).toBe(fits);
    expect(validate(data)).toBe(fits);
  });
});

test("schema job prints it, without settings, catalog or Redis", async () => {
  const place = await openPlace({ REDIS_URL: "nonsense" });
  try {
    const { code, out, err } = await place.run(["schema", "job"]);
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(toJobSchema())));
    expect(JSON.parse(out)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      required: ["prompt"],
    });
  } finally {
    await place.close();
  }
});
