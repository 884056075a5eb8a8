// THE table: what a failed call means, by its status and the API's own words. Pure; the only place that decides it.
// kind says whether it may have been paid, class says what to do about it; the test holds the same rows.
//
// The first row that fits decides. "words" are error.code and error.type; where it says so, the message too.
//
// | status        | words                                   | kind    | class     | code, where the API's own is no identifier |
// |---------------|-----------------------------------------|---------|-----------|--------------------------------------------|
// | any           | balance, arrears, billing, insufficient | refused | config    | http_<status>                              |
// |               | quota or credit; 403, 429: message too  |         |           |                                            |
// | any           | key invalid, unauthorized               | refused | config    | http_<status>                              |
// | any           | content policy; 403: message too        | refused | rejected  | http_<status>                              |
// | 2xx, error    | rate limit, too many                    | refused | wait      | error_in_answer                            |
// | 2xx, error    | invalid, not found, unsupported         | refused | rejected  | error_in_answer                            |
// | 2xx, error    | any other                               | refused | transient | error_in_answer                            |
// | 2xx, data: [] |                                         | refused | transient | empty_answer                               |
// | 2xx           | HTML                                    | refused | transient | not_json                                   |
// | 2xx           | cut short, no JSON, no images           | unknown | transient | malformed_answer                           |
// | 3xx           |                                         | refused | config    | unexpected_redirect                        |
// | 401, 403, 407 |                                         | refused | config    | http_<status>                              |
// | 402           |                                         | refused | config    | http_402                                   |
// | 404, 405      | HTML: not the API answers there         | refused | config    | not_the_api                                |
// | 404           | message names the model                 | refused | rejected  | model_not_found                            |
// | 408, 409, 425 |                                         | refused | transient | http_<status>                              |
// | 429           |                                         | refused | wait      | http_429                                   |
// | other 4xx     |                                         | refused | rejected  | http_<status>                              |
// | 5xx, others   |                                         | refused | transient | http_<status>                              |
//
// Retry-After is kept wherever it came. HTML of a proxy goes by its status like everything else.
// The message counts only at 403 and 429: elsewhere it may quote the prompt, and a prompt must not halt the fleet.
import type { CallFailure } from "../pipeline/ports.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { type ErrorWords, findApiRequestId, readErrorWords, scrub, toCode } from "./error-body.ts";

/** A reply that brought no images. `reading` is what its body turned out to be, where the status was 2xx. */
export interface FailedReply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body, or undefined where it is no JSON. */
  json: unknown;
  isHtml: boolean;
  reading: "error" | "empty" | "malformed";
}

/** Whether the call may have been paid, and what to do about it. */
export interface Failed {
  kind: "refused" | "unknown";
  failure: CallFailure;
}

/** What a reply without images means. `apiKey` is removed from whatever the API wrote. */
export function toFailed(reply: FailedReply, options: { apiKey: string; nowMs: number }): Failed {
  const words = readErrorWords(reply.json);
  const verdict = judge(reply, words);
  const own = toCode(words.code) ?? toCode(words.type);
  const code = verdict.code ?? own ?? verdict.otherwise ?? `http_${reply.status}`;
  const said = words.message !== "" ? words.message : reply.isHtml ? "an HTML page" : "";
  const hint = verdict.hint === undefined ? "" : `; ${verdict.hint}`;
  const parts = [`Cannot generate: the image API answered ${reply.status} ${code}`, scrub(said, options.apiKey)];
  return {
    kind: verdict.kind ?? "refused",
    failure: {
      class: verdict.class,
      code,
      message: parts.filter((part) => part !== "").join(": ") + hint,
      http_status: reply.status,
      api_request_id: findApiRequestId(reply.headers, words.param),
      retry_after_ms: parseRetryAfter(reply.headers, options.nowMs),
    },
  };
}

interface Verdict {
  class: CallFailure["class"];
  /** Refused unless said otherwise. */
  kind?: "unknown";
  /** The code whatever the API calls it. */
  code?: string;
  /** The code where the API has none. */
  otherwise?: string;
  /** What the operator should look at. */
  hint?: string;
}

const NO_MONEY =
  /balance(?!r)|arrear|billing|overdue|payment|insufficient[\w-]*(quota|credit|fund)|out[_-]of[_-]credit/i;
const NO_MONEY_MESSAGE = /insufficient (account |user )?(balance|credits?|funds|quota)|arrears|余额不足|欠费/i;
const BAD_KEY = /(invalid|incorrect|missing|expired)[_-]?api[_-]?key|authentication|unauthori[sz]ed/i;
const BAD_CONTENT =
  /content[_-]?(policy|filter|moderation)|moderation|safety|sensitive|inappropriate|data_?inspection/i;
const BAD_CONTENT_MESSAGE = /content[ _-](policy|filter|moderation)|moderation|safety|sensitive|审核|敏感|违规/i;
const TOO_FAST = /rate[_-]?limit|too[_-]?many|throttl/i;
const UNFIT = /invalid|not[_-]?found|unsupported|not[_-]?supported|bad[_-]?request/i;

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  401: { class: "config", hint: "check IMAGE_API_KEY" },
  402: { class: "config", hint: "top up the account" },
  403: { class: "config", hint: "check IMAGE_API_KEY and what it may do" },
  407: { class: "config", hint: "check the proxy's user and password" },
  408: { class: "transient" },
  409: { class: "transient" },
  425: { class: "transient" },
  429: { class: "wait" },
};

function judge(reply: FailedReply, words: ErrorWords): Verdict {
  return judgeWords(reply, words) ?? (isOk(reply.status) ? judgeAnswer(reply, words) : judgeStatus(reply, words));
}

/** The words that count at every status: APIs do not agree on the status they send them with. */
function judgeWords({ status }: FailedReply, words: ErrorWords): Verdict | undefined {
  const names = `${words.code} ${words.type}`;
  const says = (message: RegExp, statuses: readonly number[]) =>
    statuses.includes(status) && message.test(words.message);
  if (NO_MONEY.test(names) || says(NO_MONEY_MESSAGE, [403, 429]))
    return { class: "config", hint: "top up the account" };
  if (BAD_KEY.test(names)) return { class: "config", hint: "check IMAGE_API_KEY" };
  if (BAD_CONTENT.test(names) || says(BAD_CONTENT_MESSAGE, [403])) return { class: "rejected" };
  return undefined;
}

function judgeAnswer(reply: FailedReply, words: ErrorWords): Verdict {
  if (reply.isHtml) return { class: "transient", code: "not_json" };
  if (reply.reading === "empty") return { class: "transient", code: "empty_answer" };
  if (reply.reading === "malformed") return { class: "transient", kind: "unknown", code: "malformed_answer" };
  const names = `${words.code} ${words.type}`;
  const otherwise = "error_in_answer";
  if (TOO_FAST.test(names)) return { class: "wait", otherwise };
  return UNFIT.test(names) ? { class: "rejected", otherwise } : { class: "transient", otherwise };
}

function judgeStatus({ status, isHtml }: FailedReply, words: ErrorWords): Verdict {
  if (status >= 300 && status < 400) {
    return { class: "config", code: "unexpected_redirect", hint: "check IMAGE_API_BASE_URL" };
  }
  if (isHtml && (status === 404 || status === 405)) {
    return { class: "config", code: "not_the_api", hint: "check IMAGE_API_BASE_URL" };
  }
  if (status === 404 && /model/i.test(words.message)) return { class: "rejected", otherwise: "model_not_found" };
  return BY_STATUS[status] ?? { class: status >= 400 && status < 500 ? "rejected" : "transient" };
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
