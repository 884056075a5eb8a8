// Classifies calls without a status, or with a truncated 2xx: never sent, or sent with an unknown outcome. Pure.
import { toMessage } from "../domain/errors.ts";
import type { Exchange } from "../outbound/exchange.ts";
import type { CallFailure } from "../pipeline/ports.ts";
import { findApiRequestId, scrub } from "./error-body.ts";

/**
 * Classifies a broken exchange.
 *
 * | sent | broken by            | kind    | class     | code             |
 * |------|----------------------|---------|-----------|------------------|
 * | no   | certificate, TLS     | unsent  | config    | tls_failed       |
 * | no   | name not found       | unsent  | transient | dns_failed       |
 * | no   | refused, reset, …    | unsent  | transient | connect_failed   |
 * | no   | connect timeout      | unsent  | transient | connect_timeout  |
 * | no   | our timeout          | unsent  | transient | connect_timeout  |
 * | no   | our signal           | unsent  | transient | aborted          |
 * | yes  | our timeout          | unknown | transient | timed_out        |
 * | yes  | our signal           | unknown | transient | aborted          |
 * | yes  | reset, closed        | unknown | transient | connection_lost  |
 * | yes  | answer over the cap  | unknown | transient | answer_too_large |
 */
export function toBrokenCall(broken: Exchange, apiKey: string): { kind: "unsent" | "unknown"; failure: CallFailure } {
  const { why, cause } = broken.broken ?? { why: "network" as const, cause: undefined };
  const verdict = broken.sent ? judgeSent(why) : judgeUnsent(why, cause);
  const detail = cause === undefined ? "" : `: ${scrub(describe(cause), apiKey)}`;
  return {
    kind: broken.sent ? "unknown" : "unsent",
    failure: {
      class: verdict.class ?? "transient",
      code: verdict.code,
      message: `Cannot generate: ${verdict.text}${detail}${verdict.hint ?? ""}`,
      http_status: broken.status,
      api_request_id: findApiRequestId(broken.headers),
      retry_after_ms: null,
    },
  };
}

interface Verdict {
  code: string;
  text: string;
  class?: "config";
  hint?: string;
}

type BreakReason = NonNullable<Exchange["broken"]>["why"];

function judgeSent(why: BreakReason): Verdict {
  switch (why) {
    case "timed_out":
    case "too_slow":
      return { code: "timed_out", text: "the image API did not answer in time; it may still have made the images" };
    case "aborted":
      return { code: "aborted", text: "the call was stopped while the image API was working" };
    case "too_large":
      return { code: "answer_too_large", text: "the image API's answer is larger than n images can be" };
    case "refused":
    case "network":
      return { code: "connection_lost", text: "the connection to the image API broke after the call was sent" };
  }
}

const CERTIFICATE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH)/;

function judgeUnsent(why: BreakReason, cause: unknown): Verdict {
  if (why === "aborted") return { code: "aborted", text: "the call was stopped before it was sent" };
  if (why === "timed_out") return { code: "connect_timeout", text: "no connection to the image API in time" };
  const code = codeOf(cause);
  if (CERTIFICATE.test(code)) {
    const hint = "; check IMAGE_API_BASE_URL and the certificates this machine trusts";
    return { code: "tls_failed", text: "the image API's certificate or TLS is not accepted", class: "config", hint };
  }
  if (/^(ENOTFOUND|EAI_)/.test(code)) return { code: "dns_failed", text: "the image API's name cannot be resolved" };
  if (/TIMEDOUT|TIMEOUT/.test(code)) return { code: "connect_timeout", text: "no connection to the image API in time" };
  return { code: "connect_failed", text: "no connection to the image API" };
}

function codeOf(cause: unknown): string {
  return String((cause as NodeJS.ErrnoException | undefined)?.code ?? "");
}

/** An AggregateError (one failure for each address tried) has no message of its own. */
function describe(cause: unknown): string {
  const message = toMessage(cause);
  return message === "" ? codeOf(cause) : message;
}
