import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toInvitation, withoutPassword } from "../../src/cli/demo/keep-running.ts";
import { findSurprise, type Standing } from "../../src/cli/demo/outcome.ts";
import { toDemoPrompts } from "../../src/cli/demo/prompts.ts";
import { toDemoLines } from "../../src/cli/demo/view.ts";
import { widthOf } from "../../src/cli/text.ts";
import type { Image, RequestDetail, RequestRecord } from "../../src/domain/records.ts";

const PROMPTS = toDemoPrompts({ id: "test", seed: 7 });

/** Prompt no. `number` with what the catalog might know of it. */
function standing(number: number, known: Partial<RequestRecord> & { images?: number; calls?: string[] }): Standing {
  const prompt = PROMPTS[number - 1];
  if (prompt === undefined) throw new Error(`there is no prompt ${number}`);
  const { images = 0, calls = [], ...record } = known;
  const { n = 1 } = prompt.submission;
  const request = {
    state: "queued",
    error: null,
    reused_from: null,
    created_at: 0,
    archived_at: null,
    recipe: { n },
    ...record,
  };
  const all = Array.from({ length: n }, (_, index) => ({ index, digest: index < images ? "d" : null }) as Image);
  const detail = { request, calls: calls.map((state) => ({ state })), images: all, assets: [] };
  return { prompt, detail: detail as unknown as RequestDetail };
}

const ALL: Standing[] = PROMPTS.map(({ number }) =>
  standing(number, { state: number % 2 === 0 ? "copying" : "queued" }),
);

test("whatever the terminal's size, no line is wider and there are no more of them than rows", () => {
  fc.assert(
    fc.property(fc.integer({ min: 30, max: 200 }), fc.integer({ min: 8, max: 60 }), (columns, rows) => {
      const lines = toDemoLines(ALL, { columns, rows, nowMs: 0, elapsedMs: 1234 });
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(widthOf(line)).toBeLessThan(columns);
    }),
  );
});

test("where not all requests fit, those that are over go first", () => {
  const over = PROMPTS.map(({ number }) => standing(number, number < 10 ? { state: "archived", images: 4 } : {}));
  const lines = toDemoLines(over, { columns: 100, rows: 12, nowMs: 0, elapsedMs: 0 }).join("\n");
  for (const number of ["10", "11", "12"]) expect(lines).toContain(` ${number}  `);
  expect(lines).toContain("and 6 more");
});

test.each([
  ["in the queue", standing(2, {})],
  ["calling the API", standing(2, { state: "generating", calls: ["sent"] })],
  ["calling the API again", standing(5, { state: "generating", calls: ["refused", "sent"] })],
  ["copying 1 of 2 images", standing(2, { state: "copying", images: 1, calls: ["answered"] })],
  ["archived  2.5 s", standing(2, { state: "archived", images: 2, archived_at: 2_500 })],
  ["archived  like no. 1, no call", standing(12, { state: "archived", images: 1, reused_from: "x" })],
  [
    "failed as planned: no such model",
    standing(10, { state: "failed", error: { code: "model_not_found", message: "m" } }),
  ],
  ["api_unavailable, soon again", standing(5, { state: "queued", error: { code: "api_unavailable", message: "m" } })],
  ["failed: not as planned", standing(2, { state: "failed", error: { code: "x", message: "m" } })],
])("says %j", (words, one) => {
  expect(toDemoLines([one], { columns: 100, rows: 40, nowMs: 0, elapsedMs: 0 }).join("\n")).toContain(words);
});

test.each([
  ["archived with all images", standing(2, { state: "archived", images: 2 }), undefined],
  ["archived with an image too few", standing(2, { state: "archived", images: 1 }), /1 images archived, wanted 2/],
  [
    "failed with the planned code",
    standing(10, { state: "failed", error: { code: "model_not_found", message: "" } }),
    undefined,
  ],
  [
    "failed with another code",
    standing(10, { state: "failed", error: { code: "x", message: "" } }),
    /wanted model_not_found/,
  ],
  ["archived where it should fail", standing(10, { state: "archived", images: 1 }), /wanted failed/],
  [
    "paid for where it should be reused",
    standing(12, { state: "archived", images: 1 }),
    /wanted an answer from the catalog/,
  ],
  [
    "answered at once where a retry was wanted",
    standing(5, { state: "archived", images: 1, calls: ["answered"] }),
    /at least 2/,
  ],
  ["not over", standing(2, {}), /is queued/],
])("%s: %s", (_, one, surprise) => {
  if (surprise === undefined) expect(findSurprise(one)).toBeUndefined();
  else expect(findSurprise(one)).toMatch(surprise);
});

test.each([
  [{ url: "redis://127.0.0.1:6379", startedByUs: false }, "  export REDIS_URL='redis://127.0.0.1:6379'"],
  [
    { url: "redis://:s3cret@127.0.0.1:7000", passwordFile: `${process.cwd()}/data/redis/password`, startedByUs: true },
    `  export REDIS_URL="redis://:$(cat 'data/redis/password')@127.0.0.1:7000"`,
  ],
  [{ url: "rediss://me:s3cret@redis.example", startedByUs: false }, "  # and REDIS_URL as it is set here"],
])("the invitation shows no password: %j", (redis, line) => {
  const environment = { REDIS_URL: redis.url, QUEUE_PREFIX: "p", CATALOG_URL: "c", STORAGE_URL: "s" };
  const lines = toInvitation({ environment, redis }, "archiver").map(stripVTControlCharacters);
  expect(lines).toContain(line);
  expect(lines.join()).not.toContain("s3cret");
  expect(withoutPassword(environment).REDIS_URL).not.toContain("s3cret");
});
