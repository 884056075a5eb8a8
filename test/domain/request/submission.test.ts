import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RejectedError } from "../../../src/domain/errors.ts";
import { recipeId } from "../../../src/domain/request/recipe.ts";
import { REQUEST_ID_PATTERN, requestIdOfJob, toJobId } from "../../../src/domain/request/request-id.ts";
import { parseSubmission, toRequest } from "../../../src/domain/request/submission.ts";

const RECIPE = {
  model: "Qwen/Qwen-Image",
  prompt: "ein roter Fuchs 🦊",
  negative_prompt: "",
  aspect_ratio: "16:9",
  n: 2,
  seed: 42,
  steps: 20,
  guidance_scale: 2.5,
} as const;

/** sha256sum of {"aspect_ratio":"16:9","guidance_scale":2.5,"model":"Qwen/Qwen-Image","n":2,"negative_prompt":"",…}, UTF-8. */
const RECIPE_ID = "be9870676874c49e2c508600528b896a86ad92dbb81fab65abb65dce7c92f986";

function request(data: object, random = 0.5) {
  return toRequest(parseSubmission({ prompt: "a fox", ...data }), { requestId: "r", random: () => random });
}

function faultsOf(data: unknown): Record<string, string> {
  try {
    parseSubmission(data);
    return {};
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    expect(error.code).toBe("invalid_request");
    for (const { field, message } of error.faults) expect(error.message).toContain(`${field}: ${message}`);
    return Object.fromEntries(error.faults.map(({ field, message }) => [field, message]));
  }
}

describe("the recipe id", () => {
  test("is the one that anybody can compute", () => {
    expect(recipeId(RECIPE)).toBe(RECIPE_ID);
    expect(request({ ...RECIPE }).recipe_id).toBe(RECIPE_ID);
  });

  test("is the same with the defaults left out as with them written", () => {
    const { prompt, aspect_ratio, n, seed } = RECIPE;
    expect(request({ prompt, aspect_ratio, n, seed }).recipe_id).toBe(RECIPE_ID);
  });

  test("hangs on nothing that decides no pixels", () => {
    const beside = {
      collection: "c",
      tags: ["t"],
      metadata: { a: 1 },
      reuse: false,
      response_format: "b64_json",
      webhook_url: "https://h.test",
    };
    expect(request({ ...RECIPE, ...beside }).recipe_id).toBe(RECIPE_ID);
    expect(recipeId({ ...RECIPE, extra: 1 } as typeof RECIPE)).toBe(RECIPE_ID);
  });

  test.each([
    { model: "other" },
    { prompt: "x" },
    { negative_prompt: "x" },
    { aspect_ratio: "1:1" },
    { n: 1 },
    { seed: 43 },
    { steps: 21 },
    { guidance_scale: 2.6 },
  ])("hangs on %j", (field) => {
    expect(request({ ...RECIPE, ...field }).recipe_id).not.toBe(RECIPE_ID);
  });
});

test("all that may be left out has the API's default, written out", () => {
  expect(request({}).recipe).toEqual({ ...RECIPE, prompt: "a fox", aspect_ratio: "1:1", n: 1, seed: 2 ** 30 });
  expect(request({})).toMatchObject({
    response_format: "url",
    collection: "default",
    tags: [],
    metadata: {},
    reuse: true,
    webhook_url: null,
    seed_given: false,
  });
});

describe("the seed", () => {
  test.each([{}, { seed: -1 }, { seed: undefined }])("is drawn for %j, and explicit from then on", (data) => {
    expect(request(data, 0)).toMatchObject({ recipe: { seed: 0 }, seed_given: false });
    expect(request(data, 1 - Number.EPSILON)).toMatchObject({ recipe: { seed: 2 ** 31 - 1 }, seed_given: false });
  });

  test.each([0, 1, 42, 2 ** 31, Number.MAX_SAFE_INTEGER])("%i is kept", (seed) => {
    expect(request({ seed })).toMatchObject({ recipe: { seed }, seed_given: true });
  });
});

describe("the content hash", () => {
  const content = { prompt: "a fox", tags: ["a", "b"], metadata: { x: 1, y: { z: [2] } } };
  const { content_hash } = request(content);

  test.each([
    ["another drawn seed", content, 0.9],
    ["the random seed named", { ...content, seed: -1 }, 0.1],
    ["keys in another order", { metadata: { y: { z: [2] }, x: 1 }, tags: ["a", "b"], prompt: "a fox" }, 0.5],
    ["defaults written out", { ...content, n: 1, steps: 20, reuse: true, collection: "default" }, 0.5],
    ["a request id", { ...content, request_id: "some-id" }, 0.5],
  ])("is the same with %s", (_, data, random) => {
    expect(request(data, random).content_hash).toBe(content_hash);
  });

  test.each([
    { seed: 1 },
    { tags: ["b", "a"] },
    { metadata: { x: 1 } },
    { reuse: false },
    { collection: "c" },
    { webhook_url: "https://h.test" },
    { response_format: "b64_json" },
  ])("is another one with %j", (field) => {
    expect(request({ ...content, ...field }).content_hash).not.toBe(content_hash);
  });
});

/** What fits and what does not, field by field. */
const RANGES: [string, unknown[], unknown[]][] = [
  [
    "request_id",
    ["r", "A-z_0.9", "...", ".a", "..a", "-", "x".repeat(100)],
    ["", ".", "..", "a:b", "a b", "ü", "x".repeat(101), 7, "a/b", "a\n"],
  ],
  ["prompt", ["a", " a ", "🦊", "x".repeat(32_768)], ["", " \n", "x".repeat(32_769), 7, null]],
  ["model", ["Qwen/Qwen-Image", "m"], ["", "x".repeat(201), 7, null]],
  ["n", [1, 4, 2.0], [0, 5, 1.5, "1", null, true]],
  ["aspect_ratio", ["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"], ["1:2", "16/9", "", 1]],
  ["seed", [-1, 0, 2 ** 53 - 1], [-2, 1.5, "42", 2 ** 53, null]],
  ["steps", [1, 50], [0, 51, 1.5, "20"]],
  ["guidance_scale", [1, 10, 2.5, 1.0001], [0.99, 10.01, "2.5", null]],
  ["negative_prompt", ["", "blur", "x".repeat(32_768)], ["x".repeat(32_769), 7]],
  ["response_format", ["url", "b64_json"], ["png", "URL", 1]],
  ["collection", ["default", "x".repeat(100)], ["", "x".repeat(101), 7]],
  ["tags", [[], ["a"], new Array(50).fill("t")], [new Array(51).fill("t"), "a", [""], [7], ["x".repeat(101)]]],
  ["metadata", [{}, [], "text", 7, null, { a: "x".repeat(16_000) }], [{ a: "x".repeat(16_384) }]],
  ["reuse", [true, false], ["true", 1, null]],
  [
    "webhook_url",
    ["https://h.test/x?y=z", "http://127.0.0.1:1"],
    [
      ...["h.test", "ftp://h.test", "javascript:alert(1)", "", `https://h.test/${"x".repeat(2_000)}`],
      ...["https://me:secret@h.test/", "https://me@h.test", "https://:secret@h.test"],
    ],
  ],
];

describe.each(RANGES)("%s", (field, fitting, unfit) => {
  test.each(fitting.map((value) => [value]))("takes %j", (value) => {
    expect(faultsOf({ prompt: "a fox", [field]: value })).toEqual({});
  });

  test.each(unfit.map((value) => [value]))("refuses %j, naming the field and what was wanted", (value) => {
    const faults = Object.entries(faultsOf({ prompt: "a fox", [field]: value }));
    expect(faults.length).toBeGreaterThan(0);
    for (const [name, message] of faults) {
      expect(name === field || name.startsWith(`${field}.`)).toBe(true);
      expect(message).toMatch(/^wanted /);
      expect(message.length).toBeLessThan(250);
    }
  });
});

test("every fault is named at once", () => {
  const wrong = Object.fromEntries(RANGES.map(([field, , [first]]) => [field, first]));
  const faults = faultsOf({ ...wrong, stpes: 1, whatever_this_may_be: 2 });
  for (const [field] of RANGES) expect(Object.keys(faults).some((name) => name.startsWith(field))).toBe(true);
  expect(faults.stpes).toBe("unknown field, did you mean steps?");
  expect(faults.whatever_this_may_be).toBe("unknown field");
});

test.each([
  [undefined, "wanted an object, got nothing"],
  [null, "wanted an object, got null"],
  [7, "wanted an object, got 7"],
  ["a fox", 'wanted an object, got "a fox"'],
  [["a fox"], 'wanted an object, got ["a fox"]'],
])("data that is not an object is one fault: %j", (data, message) => {
  expect(faultsOf(data)).toEqual({ "(data)": message });
});

test.each([
  [{}, "prompt", "wanted a string, got nothing"],
  [{ prompt: 7 }, "prompt", "wanted a string, got 7"],
  [{ prompt: "" }, "prompt", "wanted some text, got an empty prompt"],
  [{ prompt: "a", n: 9 }, "n", "wanted at most 4, got 9"],
  [{ prompt: "a", n: 1.5 }, "n", "wanted a whole number, got 1.5"],
  [{ prompt: "a", steps: 0 }, "steps", "wanted at least 1, got 0"],
  [{ prompt: "a", response_format: "png" }, "response_format", 'wanted one of url, b64_json, got "png"'],
  [{ prompt: "a", tags: ["ok", 7] }, "tags.1", "wanted a string, got 7"],
  [{ prompt: "a", collection: "" }, "collection", 'wanted at least 1 characters, got ""'],
])("a fault says what was wanted and what was there: %j", (data, field, message) => {
  expect(faultsOf(data)[field]).toBe(message);
});

test("a hundred thousand faults are counted, and the message stays short enough to be read and stored", () => {
  const data = {
    prompt: "a",
    ...Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field-${index}`, 1])),
  };
  const begun = performance.now();
  const error = (() => {
    try {
      parseSubmission(data);
    } catch (thrown) {
      return thrown as RejectedError;
    }
    throw new Error("Got no fault");
  })();
  expect(error.faults).toHaveLength(50);
  expect(error.message).toMatch(/; and 99950 more$/);
  expect(error.message.length).toBeLessThan(10_000);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

test("whatever JSON comes, it is a submission or a list of faults", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue({ maxDepth: 6 }),
        fc.dictionary(fc.constantFrom(...RANGES.map(([field]) => field)), fc.jsonValue()),
      ),
      (data) => {
        const faults = faultsOf(JSON.parse(JSON.stringify(data)));
        expect(Object.keys(faults).length > 0 || typeof data === "object").toBe(true);
      },
    ),
  );
});

describe("request ids", () => {
  test("become job ids that do not clash with BullMQ's own", () => {
    expect(["meta", "completed", "1"].map(toJobId)).toEqual(["req-meta", "req-completed", "req-1"]);
  });

  test("of jobs that brought none fit the pattern, and are the same at every delivery", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 200 }), fc.nat(2 ** 42), (jobId, addedAtMs) => {
        expect(requestIdOfJob(jobId, addedAtMs)).toMatch(REQUEST_ID_PATTERN);
        expect(requestIdOfJob(jobId, addedAtMs)).toBe(requestIdOfJob(jobId, addedAtMs));
      }),
    );
  });

  test("tell jobs apart that were added at another time, or whose ids differ in what cannot be shown", () => {
    expect(requestIdOfJob("1", 1_000)).toBe("job-1-1000");
    const ids = [
      requestIdOfJob("1", 1_000),
      requestIdOfJob("1", 1_001),
      requestIdOfJob("a:b", 1),
      requestIdOfJob("a b", 1),
    ];
    expect(new Set(ids).size).toBe(4);
  });
});
