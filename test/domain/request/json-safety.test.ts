import fc from "fast-check";
import { expect, test } from "vitest";
import { RejectedError } from "../../../src/domain/errors.ts";
import { findUnsafeValues, MAX_DEPTH } from "../../../src/domain/request/json-safety.ts";
import { parseSubmission, toRequest } from "../../../src/domain/request/submission.ts";

function nested(levels: number): unknown {
  return JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`);
}

test.each([
  ["metadata as deep as is allowed", { metadata: nested(MAX_DEPTH) }, undefined],
  ["metadata one level too deep", { metadata: nested(MAX_DEPTH + 1) }, "metadata"],
  ["metadata a hundred thousand levels deep", { metadata: nested(100_000) }, "metadata"],
  ["data that is itself too deep", nested(100_000), "0"],
  ["a lone surrogate in a tag", { tags: ["fine", "\ud800"] }, "tags.1"],
  ["a lone surrogate in a key of the metadata", { metadata: { a: { "\udfff": 1 } } }, "metadata.a"],
  ["a lone surrogate in a field's name", { "\udfff": 1 }, "(data)"],
  ["an undefined entry of a list", { metadata: [undefined] }, "metadata.0"],
  ["a date", { metadata: { at: new Date(0) } }, "metadata.at"],
  ["a field that is not given", { seed: undefined }, undefined],
  ["a pair of surrogates", { tags: ["\ud83e\udd8a"] }, undefined],
  ["half a million entries", { metadata: new Array(500_000).fill(1) }, undefined],
  ["no object at all", 42, undefined],
])("%s", (_, data, field) => {
  expect(findUnsafeValues(data)[0]?.field).toBe(field);
});

test.each([
  ["a tag that is no Unicode", { prompt: "a fox", tags: ["\ud800"] }, "tags.0"],
  ["metadata too deep to walk through", { prompt: "a fox", metadata: nested(100_000) }, "metadata"],
])("a submission with %s is refused like any other fault", (_, data, field) => {
  expect(() => parseSubmission(data)).toThrow(
    expect.objectContaining({ code: "invalid_request", faults: [expect.objectContaining({ field })] }),
  );
});

test("metadata that is null counts as absent", () => {
  const request = toRequest(parseSubmission({ prompt: "a fox", metadata: null }), { requestId: "r", random: () => 0 });
  expect(request.metadata).toEqual({});
});

test("whatever JSON comes is either accepted or refused with faults, and never breaks the check", () => {
  const anything = fc.json({ maxDepth: 8, stringUnit: "binary" }).map((text) => JSON.parse(text) as unknown);
  const field = fc.constantFrom("metadata", "tags", "collection", "prompt", "request_id", "model", "webhook_url");
  fc.assert(
    fc.property(fc.dictionary(field, anything), fc.boolean(), (fields, withPrompt) => {
      const data = withPrompt ? { ...fields, prompt: "a fox" } : fields;
      try {
        const request = toRequest(parseSubmission(data), { requestId: "r-1", random: () => 0.5 });
        expect(request.content_hash).toMatch(/^[0-9a-f]{64}$/);
      } catch (error) {
        expect(error).toBeInstanceOf(RejectedError);
        expect((error as RejectedError).faults.length).toBeGreaterThan(0);
      }
    }),
  );
});
