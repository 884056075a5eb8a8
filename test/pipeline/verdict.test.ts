// The rows of the two tables in verdict.ts.
import { expect, test } from "vitest";
import { type ArchiverError, ConfigError, RejectedError, TransientError, WaitError } from "../../src/domain/errors.ts";
import type { CallFailure, CallResult } from "../../src/pipeline/ports.ts";
import { type CallContext, verdictOfCall, verdictOfError } from "../../src/pipeline/verdict.ts";

const CONTEXT: CallContext = {
  attempt: 1,
  attempts: 3,
  unknownCalls: 1,
  unknownCallPolicy: "retry",
  random: () => 0.5,
};

function failed(kind: "refused" | "unknown" | "unsent", fields: Partial<CallFailure> = {}) {
  const failure: CallFailure = {
    class: "transient",
    code: "the_code",
    message: "the message",
    http_status: null,
    api_request_id: null,
    retry_after_ms: null,
    ...fields,
  };
  return { kind, failure } satisfies CallResult;
}

const LAST = { attempt: 3 };
const PARK = { unknownCallPolicy: "park" } as const;

test.each([
  ["refused, rejected", failed("refused", { class: "rejected" }), {}, { kind: "rejected", spend: true }],
  ["refused, transient", failed("refused"), {}, { kind: "retry", spend: true, delayMs: 500 }],
  ["refused, transient, the third attempt", failed("refused"), { attempt: 2 }, { kind: "retry", delayMs: 1_000 }],
  ["refused, transient, at the last attempt", failed("refused"), LAST, { kind: "exhausted", spend: true }],
  ["refused, transient, past the last attempt", failed("refused"), { attempt: 9 }, { kind: "exhausted" }],
  [
    "refused, transient, with a time named",
    failed("refused", { retry_after_ms: 9_000 }),
    {},
    { kind: "retry", delayMs: 9_000 },
  ],
  [
    "refused, transient, with a short time named",
    failed("refused", { retry_after_ms: 1 }),
    {},
    { kind: "retry", delayMs: 500 },
  ],
  [
    "refused, wait",
    failed("refused", { class: "wait" }),
    {},
    { kind: "wait", scope: "fleet", spend: false, delayMs: 5_000 },
  ],
  [
    "refused, wait, with a time named",
    failed("refused", { class: "wait", retry_after_ms: 70_000 }),
    LAST,
    { kind: "wait", scope: "fleet", spend: false, delayMs: 70_000 },
  ],
  ["refused, config", failed("refused", { class: "config" }), LAST, { kind: "wait", scope: "fleet", spend: false }],
  [
    "unsent, aborted by us",
    failed("unsent", { code: "aborted" }),
    LAST,
    { kind: "wait", scope: "request", spend: false, delayMs: 0 },
  ],
  ["unsent, transient", failed("unsent"), LAST, { kind: "wait", scope: "fleet", spend: false }],
  ["unsent, config", failed("unsent", { class: "config" }), LAST, { kind: "wait", scope: "fleet", spend: false }],
  ["unknown, policy park", failed("unknown"), PARK, { kind: "parked", spend: true }],
  ["unknown, policy park, at the last attempt", failed("unknown"), { ...PARK, ...LAST }, { kind: "parked" }],
  ["unknown, policy retry, the first", failed("unknown"), {}, { kind: "retry", spend: true }],
  ["unknown, policy retry, at the limit", failed("unknown"), { unknownCalls: 2 }, { kind: "parked", spend: true }],
  [
    "unknown, policy retry, retried by a person",
    failed("unknown"),
    { unknownCalls: 3 },
    { kind: "parked", spend: true },
  ],
  ["unknown, policy retry, at the last attempt", failed("unknown"), LAST, { kind: "exhausted", spend: true }],
  ["unknown, aborted by us", failed("unknown", { code: "aborted" }), {}, { kind: "retry", spend: true }],
] as const)("a call that is %s", (_, result, context, wanted) => {
  const verdict = verdictOfCall(result, { ...CONTEXT, ...context });
  expect(verdict).toMatchObject(wanted);
  expect(verdict.error.message).toContain("the message");
  const code = wanted.kind === "exhausted" ? "attempts_exhausted" : result.failure.code;
  expect((verdict.error as ArchiverError).code).toBe(code);
});

const options = { code: "the_code" };

test.each([
  ["RejectedError", new RejectedError("no", options), {}, { kind: "rejected", spend: true }],
  ["ConfigError", new ConfigError("full", options), LAST, { kind: "wait", scope: "request", spend: false }],
  ["TransientError", new TransientError("busy", options), LAST, { kind: "wait", scope: "request", spend: false }],
  ["WaitError", new WaitError("slow", options), LAST, { kind: "wait", scope: "request", spend: false }],
  ["a bug", new TypeError("x is not a function"), {}, { kind: "retry", spend: true }],
  ["a bug, at the last attempt", new TypeError("x is not a function"), LAST, { kind: "exhausted", spend: true }],
  ["something that is not an Error", "oh", {}, { kind: "retry", spend: true }],
] as const)("a stage that threw %s", (_, thrown, context, wanted) => {
  const verdict = verdictOfError(thrown, { ...CONTEXT, ...context });
  expect(verdict).toMatchObject(wanted);
  expect(verdict.error.message).toContain(thrown instanceof Error ? thrown.message : thrown);
});

test("an end keeps the error that led to it", () => {
  const verdict = verdictOfCall(failed("refused"), { ...CONTEXT, ...LAST });
  expect(verdict.error.cause).toMatchObject({ name: "TransientError", code: "the_code" });
});
