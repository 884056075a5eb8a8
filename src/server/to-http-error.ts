// An exchange that ends in an error: what the caller is told, and what the log.

import type { ServerContext } from "./context.ts";
import { type ErrorAnswer, isOurs, toErrorAnswer, toLogFields } from "./error-answer.ts";

/** The answer to what was thrown; what is news for the operator is logged. */
export function toHttpError(
  { app }: ServerContext,
  { exchangeId, method, path }: { exchangeId: string; method: string; path: string },
  thrown: unknown,
): ErrorAnswer {
  const answer = toErrorAnswer(thrown, exchangeId);
  if (isOurs(thrown)) {
    const fields = { exchange: exchangeId, method, path, ...toLogFields(thrown) };
    if (answer.status === 500) app.log.error(fields, "an exchange failed");
    else app.log[app.outages.note(thrown) ? "debug" : "warn"](fields, "request rejected: a dependency is unavailable");
  }
  return answer;
}
