// Interprets the bytes of a reply: the only place, both for calls and for kept answers that are read again.

import { type Reading, readAnswer, readAnswers } from "./answer.ts";
import { type AnswerBody, readBody } from "./answer-body.ts";
import { isImage } from "./image-source.ts";

export interface BytesOptions {
  /** Replaces a missing or implausible `created`. */
  nowMs: number;
  /** The API's base URL, for relative URLs. */
  base?: string | undefined;
  contentType?: string | undefined;
  /** The bytes may be truncated: complete parts are read. */
  cut?: boolean;
}

/** An interpreted body. `json` is the value with the error, or undefined if it is not JSON. */
export interface ReadBytes {
  reading: Reading;
  json: unknown;
  text: string;
  isHtml: boolean;
}

/** Reads the body of a reply, after decoding its Content-Encoding. Never throws. */
export function readBytes(bytes: Buffer, options: BytesOptions): ReadBytes {
  if (isImage(bytes)) return { reading: toAnswer(bytes, options.nowMs), json: undefined, text: "", isHtml: false };
  const charset = /charset\s{0,9}=\s{0,9}"?([\w-]{1,40})/i.exec((options.contentType ?? "").slice(0, 500))?.[1];
  const body = readBody(bytes, { charset, cut: options.cut ?? false });
  const isHtml = looksLikeHtml(body, options.contentType);
  const values = isHtml ? [] : toValues(body);
  const reading = readAnswers(values, options);
  const json = values.find((value) => readAnswer(value, options).kind === "error") ?? values.at(-1);
  return {
    reading,
    json: typeof json === "string" && body.values.length === 0 ? undefined : json,
    text: body.text,
    isHtml,
  };
}

function toAnswer(bytes: Buffer, nowMs: number): Reading {
  return { kind: "answer", answer: { created: Math.floor(nowMs / 1000), images: [{ bytes }], usage: null } };
}

/** The maximum number of lines of a plain text that are read as images. */
const LINES_MAX = 16;

function toValues({ values, text }: AnswerBody): unknown[] {
  if (values.length > 0 || text === "") return values;
  if (!/^(https?:|data:|[a-z0-9+/_-]{24})/i.test(text)) return [];
  const lines = text.split("\n", LINES_MAX + 1).map((line) => line.trim());
  // base64 in several lines is one image; each URL is one
  return lines.length <= LINES_MAX && lines.every((line) => /^(https?:|data:)/i.test(line)) ? [lines] : [text];
}

// not JSON, and looks like a page or says that it is one
function looksLikeHtml({ values, text }: AnswerBody, contentType: string | undefined): boolean {
  if (/^\s*<(!doctype|html|head|body|\?xml)/i.test(text.slice(0, 200))) return true;
  return values.length === 0 && /text\/html/i.test(contentType ?? "");
}
