import { expect, test } from "vitest";
import { isCuredByRetry, remedyOf } from "../../../src/output/report/remedies.ts";

test.each([
  ["failed", "content_policy_violation", "edit"],
  ["failed", "OutputImageSensitiveContentDetected", "edit"],
  ["failed", "DataInspectionFailed", "edit"],
  ["failed", "content_filter", "edit"],
  ["failed", "model_not_found", "edit"],
  ["failed", "http_400", "edit"],
  ["failed", "http_422", "edit"],
  ["failed", "invalid_request", "edit"],
  ["failed", "invalid_parameter", "edit"],
  ["failed", "request_id_conflict", "edit"],
  ["failed", "http_401", "fix"],
  ["failed", "invalid_api_key", "fix"],
  ["failed", "http_402", "fix"],
  ["failed", "insufficient_balance", "fix"],
  ["failed", "not_the_api", "fix"],
  ["failed", "store_access_denied", "fix"],
  ["failed", "image_too_large", "fix"],
  ["failed", "address_refused", "fix"],
  ["failed", "attempts_exhausted", "retry"],
  ["failed", "http_503", "retry"],
  ["failed", "url_expired", "retry"],
  ["failed", "spool_lost", "retry"],
  ["failed", "anything_else", "retry"],
  ["parked", "worker_died", "decide"],
  ["parked", "malformed_answer", "decide"],
  ["cancelled", "cancelled", "run"],
])("%s with %s: %s", (state, code, cure) => {
  expect(remedyOf({ state, code }).cure).toBe(cure);
  expect(isCuredByRetry({ state, code })).toBe(cure !== "edit" && cure !== "run");
});
