import { expect, test } from "vitest";
import { toAnswerRecord } from "../../src/pipeline/answer-record.ts";
import type { Answer } from "../../src/pipeline/ports.ts";
import { call, detail } from "../domain/records.ts";

const CREATED_S = Date.parse("2026-10-01T00:00:00Z") / 1000;
const DAY_MS = 86_400_000;

function endsOf(...urls: string[]) {
  const answer: Answer = {
    created: CREATED_S,
    images: urls.map((url) => ({ url })),
    usage: null,
    http_status: 200,
    api_request_id: null,
  };
  const record = toAnswerRecord(detail(urls.length, []), {
    call: call({ number: 1 }),
    answer,
    urlLifetimeMs: 7 * DAY_MS,
  });
  return [...record.images.map(({ expires_at }) => expires_at), record.expires_at].map(
    (end) => (end ?? 0) / 1000 - CREATED_S,
  );
}

const WEEK_S = 7 * 86_400;
const image = "https://images.test/1.png";

test("a URL dies at the sooner of both ends, and an answer with its first URL", () => {
  expect(endsOf(image)).toEqual([WEEK_S, WEEK_S]);
  expect(endsOf(`${image}?X-Amz-Date=20261001T000000Z&X-Amz-Expires=3600`, image)).toEqual([3600, WEEK_S, 3600]);
  expect(endsOf(`${image}?Expires=${CREATED_S + 30 * 86_400}`)).toEqual([WEEK_S, WEEK_S]);
});

test("an expiry before the answer is ignored", () => {
  expect(endsOf(`${image}?Expires=${CREATED_S - 1}`)).toEqual([WEEK_S, WEEK_S]);
});
