// What somebody who waits for images is told when there are none. Pure.
//
// | the request is         | status | code                           | the client tries again by itself |
// |------------------------|--------|--------------------------------|----------------------------------|
// | failed: the API said it was wrong (4xx) | 400 | the reason's own | no                              |
// | failed: anything else  | 502    | the reason's own               | no                               |
// | parked                 | 502    | parked                         | no                               |
// | cancelled              | 409    | cancelled                      | no                               |
// | still on its way, the server stops | 503 | server_stopping       | yes, and is joined to it         |
// | still on its way, time is over     | 504 | still_running         | no                               |
import type { RequestDetail } from "../domain/records.ts";
import { HttpError } from "./http-error.ts";

/** OpenAI's clients heed it; without it they repeat whatever ends with 409 or 5xx. */
const NO_RETRY = { "x-should-retry": "false" };

export function endError(detail: RequestDetail, { stopping }: { stopping: boolean }): HttpError {
  const { request_id, state, error } = detail.request;
  const where = `it can be fetched at /v1/requests/${request_id}`;
  const param = request_id;
  switch (state) {
    case "failed":
      return new HttpError(isCallersFault(detail) ? 400 : 502, { ...reasonOf(error), param, headers: NO_RETRY });
    case "parked": {
      const message = `A person has to decide about request "${request_id}": ${reasonOf(error).message}`;
      return new HttpError(502, { code: "parked", message, param, headers: NO_RETRY });
    }
    case "cancelled":
      return new HttpError(409, {
        code: "cancelled",
        message: `Request "${request_id}" was cancelled`,
        param,
        headers: NO_RETRY,
      });
    default:
      return stopping
        ? new HttpError(503, {
            code: "server_stopping",
            message: `The server is stopping; request "${request_id}" goes on, and ${where}`,
            param,
            headers: { "retry-after": "5" },
          })
        : new HttpError(504, {
            code: "still_running",
            message: `Request "${request_id}" takes longer; it goes on, and ${where}`,
            param,
            headers: NO_RETRY,
          });
  }
}

function reasonOf(error: { code: string; message: string } | null): { code: string; message: string } {
  return error ?? { code: "failed", message: "It failed" };
}

// the house's own trouble with the API (a key, a balance, a limit) is waited out, so what ends a request with 4xx is its content
function isCallersFault({ request, calls }: RequestDetail): boolean {
  const status = calls.at(-1)?.http_status ?? 0;
  const known = calls.length === 0 && request.error?.code === "invalid_request";
  return known || (status >= 400 && status < 500 && request.error?.code !== "attempts_exhausted");
}
