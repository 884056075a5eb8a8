import { expect, test } from "vitest";
import { ConfigError, RejectedError, TransientError, WaitError } from "../../src/domain/errors.ts";
import { toErrorAnswer } from "../../src/server/error-answer.ts";
import { HttpError } from "../../src/server/http-error.ts";

const faults = [{ field: "prompt", message: "wanted a string, got nothing" }];
const secret = "redis://:secret@10.0.0.1 /srv/catalog.db";

test.each([
  [new HttpError(404, { code: "not_found", message: "nothing" }), 404, "not_found", undefined],
  [new RejectedError("taken", { code: "request_id_conflict" }), 409, "request_id_conflict", undefined],
  [new RejectedError("unfit", { code: "invalid_request", faults }), 422, "invalid_request", undefined],
  [new TransientError(secret, { code: "redis_unreachable" }), 503, "queue_unavailable", "5"],
  [new ConfigError(secret, { code: "redis_refused" }), 503, "queue_unavailable", "30"],
  [new TransientError(secret, { code: "catalog_busy" }), 503, "catalog_unavailable", "5"],
  [new ConfigError(secret, { code: "catalog_unwritable" }), 503, "catalog_unavailable", "30"],
  [new TransientError(secret, { code: "store_unreachable" }), 503, "store_unavailable", "5"],
  [new ConfigError(secret, { code: "store_access_denied" }), 503, "store_unavailable", "30"],
  [new WaitError(secret, { code: "something" }), 503, "unavailable", "5"],
  [new TypeError(secret), 500, "internal_error", undefined],
  ["text that was thrown", 500, "internal_error", undefined],
])("%o is %s %s", (thrown, status, code, retryAfter) => {
  const answer = toErrorAnswer(thrown, "x-1");
  expect(answer).toMatchObject({ status, body: { error: { code } } });
  expect(answer.headers["retry-after"]).toBe(retryAfter);
  expect(JSON.stringify(answer)).not.toMatch(/secret|srv|at file|text that was thrown/);
});

test("param is the field at fault, or else the exchange", () => {
  const unfit = new RejectedError("unfit", { code: "invalid_request", faults });
  expect(toErrorAnswer(unfit, "x-1").body.error).toMatchObject({ param: "prompt", faults });
  expect(toErrorAnswer(new Error("bug"), "x-1").body.error).toMatchObject({ param: "x-1" });
});
