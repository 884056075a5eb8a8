// THE table: what an error means to somebody who speaks HTTP. Pure. Nothing of a stack, an address or a path gets out.
//
// | thrown                                   | status | code                | Retry-After, s |
// |------------------------------------------|--------|---------------------|----------------|
// | HttpError                                | its own| its own             | its own        |
// | RejectedError request_id_conflict        | 409    | request_id_conflict |                |
// | RejectedError, any other                 | 422    | its own             |                |
// | TransientError, WaitError, redis_…       | 503    | queue_unavailable   | 5              |
// | ConfigError, redis_…                     | 503    | queue_unavailable   | 30             |
// | the same, catalog_…                      | 503    | catalog_unavailable | 5 or 30        |
// | the same, store_…                        | 503    | store_unavailable   | 5 or 30        |
// | the same, any other                      | 503    | unavailable         | 5 or 30        |
// | anything else: a bug                     | 500    | internal_error      |                |
import { ArchiverError, ConfigError, type Fault, RejectedError, TransientError, WaitError } from "../domain/errors.ts";
import { HttpError } from "./http-error.ts";

/** The form of all errors, the image API's own; `faults` names every field where fields were wrong. */
export interface ErrorBody {
  error: { code: string; message: string; type: string; param: string | null; faults?: readonly Fault[] };
}

export interface ErrorAnswer {
  status: number;
  body: ErrorBody;
  headers: Readonly<Record<string, string>>;
}

/**
 * The answer to whatever was thrown. `param` is the field at fault, or else the id of the exchange, as the image API's
 * own `param` is.
 */
export function toErrorAnswer(thrown: unknown, exchangeId: string): ErrorAnswer {
  if (thrown instanceof HttpError) {
    const { status, code, message, param = exchangeId, headers } = thrown;
    return answer(status, { code, message, param }, { headers });
  }
  if (thrown instanceof RejectedError) return toRejection(thrown, exchangeId);
  if (thrown instanceof TransientError || thrown instanceof WaitError) return away(thrown, { exchangeId, afterS: 5 });
  if (thrown instanceof ConfigError) return away(thrown, { exchangeId, afterS: 30 });
  const message = `Something went wrong in the server; its log knows more about ${exchangeId}`;
  return answer(500, { code: "internal_error", message, param: exchangeId });
}

function toRejection(error: RejectedError, exchangeId: string): ErrorAnswer {
  const { code, message, faults } = error;
  const param = faults[0]?.field ?? exchangeId;
  const status = code === "request_id_conflict" ? 409 : 422;
  return answer(status, { code, message, param }, faults.length > 0 ? { faults } : {});
}

const AWAY: readonly (readonly [prefix: string, code: string, message: string])[] = [
  ["redis_", "queue_unavailable", "The queue cannot be reached just now, and nothing was accepted; try again"],
  ["catalog_", "catalog_unavailable", "The catalog cannot be used just now, and nothing was accepted; try again"],
  ["store_", "store_unavailable", "The store of the images cannot be reached just now; try again"],
];

// the house's own words name addresses and paths: they go to the log
function away(error: ArchiverError, { exchangeId, afterS }: { exchangeId: string; afterS: number }): ErrorAnswer {
  const [, code = "unavailable", message = "The server cannot do this just now; try again"] =
    AWAY.find(([prefix]) => error.code.startsWith(prefix)) ?? [];
  return answer(503, { code, message, param: exchangeId }, { headers: { "retry-after": String(afterS) } });
}

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  429: "rate_limit_error",
};

function answer(
  status: number,
  error: { code: string; message: string; param: string },
  more: { faults?: readonly Fault[]; headers?: Readonly<Record<string, string>> } = {},
): ErrorAnswer {
  const type = TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error");
  const { code, message, param } = error;
  const faults = more.faults === undefined ? {} : { faults: more.faults };
  return { status, body: { error: { code, message, type, param, ...faults } }, headers: more.headers ?? {} };
}

/** Whether an error is news for the operator: ours, and nobody else's fault. */
export function isOurs(thrown: unknown): boolean {
  return !(thrown instanceof HttpError || thrown instanceof RejectedError);
}

/** What the log says about it; only a bug brings its stack. */
export function toLogFields(thrown: unknown): object {
  if (thrown instanceof ArchiverError) return { code: thrown.code, reason: thrown.message };
  return {
    code: "internal_error",
    reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
  };
}
