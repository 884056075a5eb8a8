// The API's own words about a failure, made fit to be shown: checked, bounded, and without secrets. Pure.
// The form: {"error": {"message": "…", "type": "…", "param": "<request id>", "code": "…"}}
import { z } from "zod";

/** What the other side said. Empty strings where it said nothing. */
export interface ErrorWords {
  code: string;
  type: string;
  message: string;
  param: string;
}

const word = z.union([z.string(), z.number().transform(String)]).catch("");
const wordsSchema = z.object({
  code: word.default(""),
  type: word.default(""),
  message: word.default(""),
  param: word.default(""),
});
const envelopeSchema = z.union([
  z.object({ error: wordsSchema }).transform(({ error }) => error),
  z.object({ error: z.string() }).transform(({ error }) => wordsSchema.parse({ message: error })),
  wordsSchema,
]);

/** The words of a parsed body; all of them empty for a body in no known form. */
export function readErrorWords(json: unknown): ErrorWords {
  const parsed = envelopeSchema.safeParse(json);
  return parsed.success ? parsed.data : { code: "", type: "", message: "", param: "" };
}

const MESSAGE_MAX_LENGTH = 500;

/** One line of at most 500 characters in which neither `secret` nor anything like a key or a signed query is left. */
export function scrub(message: string, secret: string): string {
  const hidden = secret === "" ? message : message.replaceAll(secret, "[hidden]");
  const line = hidden
    .replace(/\b(https?:\/\/[^\s?#"'<>]+)\?[^\s"'<>]*/gi, "$1?[hidden]")
    .replace(/\bBearer\s+\S+/gi, "Bearer [hidden]")
    .replace(/\bsk-[\w-]{8,}/g, "[hidden]")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > MESSAGE_MAX_LENGTH ? `${line.slice(0, MESSAGE_MAX_LENGTH)}…`.toWellFormed() : line;
}

/** A word of the API's that can serve as a stable code: a short identifier. */
export function toCode(text: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(text) ? text : undefined;
}

const REQUEST_ID_HEADERS = ["x-request-id", "request-id", "x-requestid", "x-trace-id", "x-amzn-requestid"];
const REQUEST_ID_MAX_LENGTH = 200;

/** The id under which the provider's support finds this call: `param` of an error, else a header. */
export function findApiRequestId(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  param = "",
): string | null {
  const named = [param, ...REQUEST_ID_HEADERS.map((name) => String(headers[name] ?? ""))];
  return named.find((id) => id.trim() !== "")?.slice(0, REQUEST_ID_MAX_LENGTH) ?? null;
}
