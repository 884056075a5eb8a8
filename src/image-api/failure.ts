// The table that classifies a failed call by its status and the API's own error. Pure; the only place that decides it.
// kind says whether it may be paid, class says what to do about it; the test has the same rows.
//
// The first matching row decides. "words" are error.code and error.type, and the message where the table says so.
//
// | status        | words                                   | kind    | class     | code, unless the API's is an identifier    |
// |---------------|-----------------------------------------|---------|-----------|--------------------------------------------|
// | any           | balance, arrears, billing, insufficient | refused | config    | http_<status>                              |
// |               | quota or credit; message too *          |         |           |                                            |
// | any           | key invalid, unauthorized; message too *| refused | config    | http_<status>                              |
// | any           | content policy; message too *           | refused | rejected  | http_<status>                              |
// | 2xx, error    | rate limit, too many; message too *     | refused | wait      | error_in_answer                            |
// | 2xx, error    | a number 400 to 599 as code             | refused | as that status | error_in_answer                       |
// | 2xx, error    | invalid, not found, unsupported         | refused | rejected  | error_in_answer                            |
// | 2xx, error    | any other                               | refused | transient | error_in_answer                            |
// | 2xx, data: [] |                                         | refused | transient | empty_answer                               |
// | 2xx           | HTML                                    | refused | transient | not_json                                   |
// | 2xx           | truncated, not JSON, no images          | unknown | transient | malformed_answer                           |
// | 3xx           |                                         | refused | config    | unexpected_redirect                        |
// | 401, 403, 407 |                                         | refused | config    | http_<status>                              |
// | 402, 511      |                                         | refused | config    | http_<status>                              |
// | 404, 410      | the model is named, message too         | refused | rejected  | model_not_found                            |
// | 404, 405, 410,| anything else: this URL is not the API  | refused | config    | not_the_api                                |
// | 421, 501      |                                         |         |           |                                            |
// | 408, 409, 425 |                                         | refused | transient | http_<status>                              |
// | 429           |                                         | refused | wait      | http_429                                   |
// | other 4xx     |                                         | refused | rejected  | http_<status>                              |
// | 5xx, others   |                                         | refused | transient | http_<status>                              |
//
// * The message counts at 403 and 429, and below 500 if the code is not an identifier. Quoted text and the prompt are removed
// before: a prompt must not halt all workers.
// Errors of single images next to others go through the same table, as those of a 2xx.
// Retry-After is kept from any answer. HTML of a proxy is classified by its status, like everything else.

import { parseRetryAfter } from "../domain/retry-after.ts";
import type { CallFailure } from "../pipeline/ports.ts";
import { MALFORMED_ANSWER, NOT_JSON } from "../pipeline/verdict.ts";
import {
  describeHtml,
  type ErrorWords,
  findApiRequestId,
  hasWords,
  readErrorWords,
  readPlainWords,
  scrub,
  toCode,
} from "./error-body.ts";

/** A reply without images. `reading` is the interpretation of its body, for a 2xx. */
export interface FailedReply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body, or undefined if it is not JSON. */
  json: unknown;
  isHtml: boolean;
  /** The body as text: shown if there is no known error field. */
  text?: string;
  reading: "error" | "empty" | "malformed";
}

/** Whether the call may be paid, and what to do about it. */
export interface Failed {
  kind: "refused" | "unknown";
  failure: CallFailure;
}

export interface FailureOptions {
  /** Removed from all texts of the API. */
  apiKey: string;
  nowMs: number;
  /** From the request: an error may quote the prompt, and may name the model. */
  prompt?: string;
  model?: string;
}

/** Classifies a reply without images. */
export function toFailed(reply: FailedReply, options: FailureOptions): Failed {
  const said = readErrorWords(reply.json);
  const isPlain = !hasWords(said) && reply.reading !== "empty";
  const plain = isPlain ? readPlainWords(reply.text ?? "") : said;
  return judgeWith(reply, { ...plain, type: said.type || plain.type, param: said.param || plain.param }, options);
}

/** Classifies the error of a single image in an answer with others. */
export function toRefusal(
  reply: Pick<FailedReply, "status" | "headers">,
  words: ErrorWords,
  options: FailureOptions,
): CallFailure {
  return judgeWith({ ...reply, json: undefined, isHtml: false, reading: "error" }, words, options).failure;
}

function judgeWith(reply: FailedReply, words: ErrorWords, options: FailureOptions): Failed {
  const verdict = judge(reply, { ...words, message: withoutQuotes(words.message, options) }, options);
  const own = toCode(words.code) ?? toCode(words.type);
  const code = verdict.code ?? own ?? verdict.fallbackCode ?? `http_${reply.status}`;
  const hint = verdict.hint === undefined ? "" : `; ${verdict.hint}`;
  const said = scrub(
    describe(reply, words),
    options.apiKey,
    isOk(reply.status) && reply.reading === "malformed" ? UNREAD_SHOWN_LENGTH : undefined,
  );
  const parts = [`Cannot generate: the image API answered ${reply.status} ${code}`, said];
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

/** The maximum shown of an answer that cannot be parsed. */
const UNREAD_SHOWN_LENGTH = 200;

/** The API's own message, with its code if that is a number; otherwise the body. */
function describe({ isHtml, reading, status, text = "" }: FailedReply, words: ErrorWords): string {
  // show the raw text of an unknown format: a single field would hide the rest
  if (isOk(status) && reading === "malformed" && !isHtml) return text.slice(0, 2 * UNREAD_SHOWN_LENGTH);
  if (words.message === "") return isHtml ? describeHtml(text) : "";
  return /^\d+$/.test(words.code) && Number(words.code) !== status ? `${words.message} (${words.code})` : words.message;
}

/** Without the prompt and quoted text, except the model's name: neither says anything about the account. */
function withoutQuotes(message: string, { prompt = "", model = "" }: FailureOptions): string {
  const own = prompt.length > 3 ? message.replaceAll(prompt, " ") : message;
  const bare = own.replace(/"[^"]{0,2000}"|“[^”]{0,2000}”|「[^」]{0,2000}」|(?<!\w)'[^']{0,2000}'/g, " ");
  return model !== "" && own.includes(model) ? `${bare} ${model}` : bare;
}

interface Verdict {
  class: CallFailure["class"];
  /** Default: refused. */
  kind?: "unknown";
  /** The code, whatever the API's own. */
  code?: string;
  /** The code if the API has none. */
  fallbackCode?: string;
  /** What the operator should check. */
  hint?: string;
}

const NO_BALANCE =
  /balance(?!r)|arrear|billing|overdue|payment|insufficient[\w-]*(quota|credit|fund)|out[_-]of[_-]credit/i;
const NO_BALANCE_MESSAGE =
  /insufficient (account |user )?(balance|credits?|funds|quota)|(balance|credits?) (is |are )?(not enough|insufficient|too low|exhausted)|out of credits?|no credits? left|arrears|余额不足|余额不够|欠费|请充值/i;
const BAD_KEY = /(invalid|incorrect|missing|expired)[_-]?api[_-]?key|authentication|unauthori[sz]ed/i;
const BAD_KEY_MESSAGE =
  /(invalid|incorrect|missing|expired|wrong) (api[ _-]?key|access[ _-]?token|token|credentials?)|api[ _-]?key (is )?(invalid|incorrect|missing|expired)|unauthori[sz]ed|authentication failed|鉴权失败|(密钥|令牌)(无效|错误|已过期)|无效的?(密钥|令牌)/i;
const BAD_CONTENT =
  /content[_-]?(policy|filter|moderation|violation)|moderation|safety|sensitive|inappropriate|data_?inspection|nsfw|prohibited/i;
const BAD_CONTENT_MESSAGE =
  /content[ _-](policy|filter|moderation|violation)|moderation|safety|(?<!case[ -])sensitive|nsfw|审核|敏感|违规/i;
const TOO_FAST = /rate[_-]?limit|too[_-]?many|throttl/i;
const TOO_FAST_MESSAGE = /rate limit|too many requests|too frequent|请求过于频繁|频率|并发|限流/i;
const UNSUPPORTED = /invalid|not[_-]?found|unsupported|not[_-]?supported|bad[_-]?request/i;

const KEY_HINT = "check IMAGE_API_KEY";
const URL_HINT = "check IMAGE_API_BASE_URL";
const BALANCE_HINT = "top up the account";

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  401: { class: "config", hint: KEY_HINT },
  402: { class: "config", hint: BALANCE_HINT },
  403: { class: "config", hint: `${KEY_HINT} and what it may do` },
  407: { class: "config", hint: "check the proxy's user and password" },
  408: { class: "transient" },
  409: { class: "transient" },
  425: { class: "transient" },
  429: { class: "wait" },
  511: { class: "config", hint: "this network asks for a login" },
};

function judge(reply: FailedReply, words: ErrorWords, options: FailureOptions): Verdict {
  const byWords = judgeWords(reply, words);
  if (byWords !== undefined) return byWords;
  return isOk(reply.status) ? judgeAnswer(reply, words, options) : judgeStatus(reply, words, options);
}

/** Words that decide at every status: APIs do not agree on the status for them. */
function judgeWords({ status, reading }: FailedReply, words: ErrorWords): Verdict | undefined {
  if (isOk(status) && reading !== "error") return undefined;
  const names = `${words.code} ${words.type}`;
  const isVague = status < 500 && toCode(words.code) === undefined;
  const says = (message: RegExp, statuses: readonly number[]) =>
    (statuses.includes(status) || isVague) && message.test(words.message);
  if (NO_BALANCE.test(names) || says(NO_BALANCE_MESSAGE, [403, 429]))
    return { class: "config", hint: BALANCE_HINT, fallbackCode: fallbackCodeOf(status) };
  if (BAD_KEY.test(names) || (status !== 429 && says(BAD_KEY_MESSAGE, [])))
    return { class: "config", hint: KEY_HINT, fallbackCode: fallbackCodeOf(status) };
  if (BAD_CONTENT.test(names) || (![408, 429].includes(status) && says(BAD_CONTENT_MESSAGE, [403])))
    return { class: "rejected", fallbackCode: fallbackCodeOf(status) };
  return undefined;
}

function fallbackCodeOf(status: number): string {
  return isOk(status) ? "error_in_answer" : `http_${status}`;
}

function judgeAnswer(reply: FailedReply, words: ErrorWords, options: FailureOptions): Verdict {
  if (reply.isHtml) return { class: "transient", code: NOT_JSON };
  if (reply.reading === "empty") return { class: "transient", code: "empty_answer" };
  if (reply.reading === "malformed") return { class: "transient", kind: "unknown", code: MALFORMED_ANSWER };
  const names = `${words.code} ${words.type}`;
  const fallbackCode = "error_in_answer";
  if (TOO_FAST.test(names) || (toCode(words.code) === undefined && TOO_FAST_MESSAGE.test(words.message)))
    return { class: "wait", fallbackCode };
  if (/^[45]\d\d$/.test(words.code)) return judgeEmbeddedStatus(Number(words.code), words, options);
  return UNSUPPORTED.test(names) ? { class: "rejected", fallbackCode } : { class: "transient", fallbackCode };
}

/** A status as the error code in a 2xx. The URL must be right, since the answer has the API's format. */
function judgeEmbeddedStatus(status: number, words: ErrorWords, options: FailureOptions): Verdict {
  const isThere = NOT_THE_API.has(status);
  const verdict = isThere
    ? { class: "rejected" as const }
    : judgeStatus({ status, headers: {}, json: undefined, isHtml: false, reading: "error" }, words, options);
  return { ...verdict, fallbackCode: "error_in_answer" };
}

/** Statuses that mean the URL is not the API's, or its path is wrong. */
const NOT_THE_API = new Set([404, 405, 410, 421, 501]);

function judgeStatus({ status, isHtml }: FailedReply, words: ErrorWords, options: FailureOptions): Verdict {
  if (status >= 300 && status < 400) return { class: "config", code: "unexpected_redirect", hint: URL_HINT };
  if (NOT_THE_API.has(status)) {
    const isModel = !isHtml && (status === 404 || status === 410) && namesModel(words, options.model);
    if (isModel) return { class: "rejected", fallbackCode: "model_not_found" };
    return { class: "config", code: "not_the_api", hint: URL_HINT };
  }
  const isTooFast = status === 400 && toCode(words.code) === undefined && TOO_FAST_MESSAGE.test(words.message);
  if (isTooFast) return { class: "wait" };
  return BY_STATUS[status] ?? { class: status >= 400 && status < 500 ? "rejected" : "transient" };
}

/** Whether the model does not exist. A quoted path may contain the word as well. */
function namesModel({ code, type, message }: ErrorWords, model = ""): boolean {
  const said = `${code} ${type} ${message}`.toLowerCase();
  if (model !== "" && said.includes(model.toLowerCase())) return true;
  return /(^|[^a-z/.])models?([^a-z/.]|[/.]?$|\.\s)|模型/.test(said);
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
