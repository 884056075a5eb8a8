// Extracts the API's own error from a body so that it can be shown: from any envelope, checked, bounded, without secrets.
// Pure. The reference format: {"error": {"message": "…", "type": "…", "param": "<request id>", "code": "…"}}
import { type Fields, pick, toFields } from "./fields.ts";

/** The error of a body. A missing field is an empty string. */
export interface ErrorWords {
  code: string;
  type: string;
  message: string;
  param: string;
}

const NO_WORDS: ErrorWords = { code: "", type: "", message: "", param: "" };

/** Bounds of the input: the time of every regex depends on them. */
const WORD_MAX_LENGTH = 200;
const MESSAGE_READ_LENGTH = 4_000;
/** Envelopes in envelopes. */
const DEPTH_MAX = 6;

const CODE = [
  "code",
  "errorcode",
  "errcode",
  "errno",
  "errornumber",
  "statuscode",
  "retcode",
  "status",
  "finishreason",
  "reason",
];
const TYPE = ["type", "errortype", "status", "category", "name"];
const MESSAGE = [
  ...["message", "msg", "errormessage", "errormsg", "errmsg", "statusmsg", "statusmessage", "errordescription"],
  ...["detail", "description", "desc", "failurereason", "failreason", "raifilteredreason", "text", "title", "reason"],
];
const PARAM = ["param", "requestid", "traceid", "logid"];
/** Fields that contain the error object, the most reliable first. */
const ENVELOPES = ["error", "errors", "baseresp", "responsemetadata", "response", "fault", "exception", "err"];
const WRAPPERS = ["output", "result", "data", "detail", "details", "body"];

/** The error of a parsed body; all fields empty for an unknown format. */
export function readErrorWords(json: unknown): ErrorWords {
  return findWords(json, 0) ?? NO_WORDS;
}

/** Whether there is a code or a message. */
export function hasWords({ code, message }: ErrorWords): boolean {
  return code !== "" || message !== "";
}

function findWords(value: unknown, depth: number): ErrorWords | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (typeof value === "string") return fromText(value, depth);
  if (Array.isArray(value)) return firstOf(value.slice(0, 20), depth);
  const fields = toFields(value);
  if (fields === undefined) return undefined;
  const own = readOwn(fields, depth);
  const inner = firstOf(
    ENVELOPES.map((name) => fields.get(name)),
    depth,
  );
  if (inner !== undefined) return merge(inner, own);
  if (own.message !== "") return own;
  const wrapped = firstOf(
    WRAPPERS.map((name) => fields.get(name)).filter((field) => typeof field === "object"),
    depth,
  );
  return merge(wrapped, own);
}

function firstOf(values: readonly unknown[], depth: number): ErrorWords | undefined {
  for (const value of values) {
    const words = findWords(value, depth + 1);
    if (words !== undefined && (hasWords(words) || words.type !== "" || words.param !== "")) return words;
  }
  return undefined;
}

/** `inner`, completed by `own`. A bare string next to a message is a name: {"error": "Not Found", "message": "…"}. */
function merge(inner: ErrorWords | undefined, own: ErrorWords): ErrorWords {
  if (inner === undefined) return own;
  const isName = inner.code === "" && inner.type === "" && own.message !== "";
  return {
    code: inner.code || own.code,
    type: isName ? inner.message.slice(0, WORD_MAX_LENGTH) : inner.type || own.type,
    message: (isName ? own.message : inner.message) || own.message,
    param: inner.param || own.param,
  };
}

function readOwn(fields: Fields, depth: number): ErrorWords {
  const code = toWord(pick(fields, CODE));
  const type = toWord(pick(fields, TYPE));
  const said = pick(fields, MESSAGE);
  const words = typeof said === "string" ? fromText(said, depth) : findWords(toValidation(said), depth + 1);
  return {
    code: code || (words?.code ?? ""),
    type: type === code ? "" : type,
    message: words?.message ?? "",
    param: toWord(pick(fields, PARAM)),
  };
}

/** A validator's list of faults as one text: [{"loc": ["body", "size"], "msg": "…"}]. */
function toValidation(said: unknown): unknown {
  if (!Array.isArray(said)) return said;
  const faults = said.slice(0, 5).map((one: unknown) => {
    const fields = toFields(one);
    const place = fields?.get("loc");
    const where = Array.isArray(place) ? place.slice(-1).filter((part) => typeof part !== "object") : [];
    return [...where, toWord(pick(fields, MESSAGE) ?? (typeof one === "string" ? one : ""))].join(": ");
  });
  return faults.filter((fault) => fault !== "").join("; ");
}

/** A text, or the error in JSON inside the text, as some proxies send it. */
function fromText(text: string, depth: number): ErrorWords | undefined {
  const trimmed = text.slice(0, 65_536).trim();
  if (trimmed === "") return undefined;
  if (trimmed.startsWith("{")) {
    const inner = findWords(parseJson(trimmed), depth + 1);
    if (inner !== undefined && inner.message !== "") return inner;
  }
  return { ...NO_WORDS, message: trimmed.slice(0, MESSAGE_READ_LENGTH) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function toWord(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value.slice(0, WORD_MAX_LENGTH).trim() : "";
}

/** The error in XML of object stores and old gateways, or the text itself. */
export function readPlainWords(text: string): ErrorWords {
  const head = text.slice(0, MESSAGE_READ_LENGTH);
  const tag = (name: string) => new RegExp(`<${name}>([^<]{1,500})</${name}>`, "i").exec(head)?.[1]?.trim() ?? "";
  if (!head.startsWith("<")) return { ...NO_WORDS, message: head.slice(0, PLAIN_MAX_LENGTH) };
  return { code: tag("Code"), type: "", message: tag("Message"), param: tag("RequestId") };
}

/** The maximum shown of a body in an unknown format. */
const PLAIN_MAX_LENGTH = 300;

/** An HTML page in short: its title, or the start of its text. */
export function describeHtml(text: string): string {
  const head = text.slice(0, 16_384);
  const title = /<title[^>]{0,200}>([^<]{1,300})/i.exec(head)?.[1]?.trim();
  const seen = title ?? head.replace(/<(script|style)\b[^>]{0,200}>[^<]*/gi, " ").replace(/<[^<>]{0,500}>/g, " ");
  const words = seen.replace(/\s+/g, " ").trim().slice(0, PLAIN_MAX_LENGTH);
  return words === "" ? "an HTML page" : `an HTML page: ${words}`;
}

const MESSAGE_MAX_LENGTH = 500;

/** One line of at most 500 characters, without `secret` and anything like a key or a signed query. */
export function scrub(message: string, secret: string, maxLength = MESSAGE_MAX_LENGTH): string {
  const hidden = secret === "" ? message : message.replaceAll(secret, "[hidden]");
  const line = cut(hidden)
    .replace(/[^\s"'<>]+/g, hideQuery)
    .replace(/\bBearer\s{1,9}[^\s"']+/gi, "Bearer [hidden]")
    .replace(/\bsk-[\w-]{8,}/g, "[hidden]")
    .replace(/[\s\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]+/gu, " ")
    .trim();
  return line.length > maxLength ? `${line.slice(0, maxLength)}…`.toWellFormed() : line;
}

// Truncates before matching. Removes the last word: it may be half a secret.
function cut(text: string): string {
  if (text.length <= MESSAGE_READ_LENGTH) return text;
  return text.slice(0, MESSAGE_READ_LENGTH).replace(/[^\s"'<>]{1,500}$/, "…");
}

/** A word without query and user if it is a URL: both may be secrets, however the text is escaped. */
function hideQuery(word: string): string {
  const [path = "", ...rest] = word.split(/\?|\\u003f|%3f(?=[\w%-]+(?:=|%3d))/i);
  const shown = path.replace(/(:\\?\/\\?\/)[^/\\@]{1,300}@/, "$1[hidden]@");
  const isAddress = /[/\\]/.test(path) || rest.some((query) => query.includes("="));
  if (!isAddress) return word;
  return rest.length > 0 ? `${shown}?[hidden]` : shown;
}

/** The text if it can serve as a stable code: a short identifier. */
export function toCode(text: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(text) ? text : undefined;
}

const REQUEST_ID_HEADERS = ["x-request-id", "request-id", "x-requestid", "x-trace-id", "x-amzn-requestid"];
const REQUEST_ID_MAX_LENGTH = 200;

/** The provider's id of this call, for its support: `param` of an error, otherwise a header. */
export function findApiRequestId(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  param = "",
): string | null {
  const named = [param, ...REQUEST_ID_HEADERS.map((name) => String(headers[name] ?? ""))];
  return named.find((id) => id.trim() !== "")?.slice(0, REQUEST_ID_MAX_LENGTH) ?? null;
}
