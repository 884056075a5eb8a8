// The only client of the image API: one HTTP call, one typed result. It never retries a call and never throws.

import { constants } from "node:buffer";
import { withoutTrailing } from "../domain/trim-end.ts";
import { createAgent } from "../outbound/agent.ts";
import { type Exchange, exchange } from "../outbound/exchange.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import type { Answer, CallFailure, CallRequest, CallResult, ImageApi } from "../pipeline/ports.ts";
import { decodeContent } from "./content-encoding.ts";
import { findApiRequestId } from "./error-body.ts";
import { type FailedReply, type FailureOptions, toFailed, toRefusal } from "./failure.ts";
import { toBrokenCall } from "./no-answer.ts";
import { type ReadBytes, readBytes } from "./reading.ts";

export interface ImageApiOptions {
  /** As in IMAGE_API_BASE_URL: the part before /images/generations. */
  baseUrl: string;
  apiKey: string;
  /** The total time of a call, including connecting. */
  timeoutMs: number;
  /** At least the number of concurrent calls: a call beyond it waits while its timeout runs. */
  maxConnections: number;
  /** The maximum size of an image; bounds an answer with bytes. Default 64 MiB. */
  maxImageBytes?: number;
  proxy?: ProxySettings;
  /** Replaces a missing `created`; ms. */
  now?: () => number;
}

const MIB = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** The maximum size of an error body. */
const ERROR_BODY_MAX_BYTES = MIB;

/** The image API behind its port. */
export function createImageApi(options: ImageApiOptions): ImageApi {
  const url = new URL(`${withoutTrailing(options.baseUrl, "/")}/images/generations`);
  const agent = createAgent({
    connections: options.maxConnections,
    // The server may close a kept-alive connection just as we write to it, which would make the call `unknown`. A handshake
    // is cheap compared with seconds of generation.
    keepAlive: false,
    connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, options.timeoutMs) },
    proxy: options.proxy,
  });
  let closing: Promise<void> | undefined;
  return {
    async call(request, { signal }) {
      const maxBytes = answerMaxBytes(request.recipe.n, options.maxImageBytes ?? 64 * MIB);
      const reply = await exchange(agent, {
        url,
        method: "POST",
        headers: toHeaders(options.apiKey),
        body: toBody(request),
        signal,
        timeoutMs: options.timeoutMs,
        maxBytes: (status) => (isOk(status) ? maxBytes : ERROR_BODY_MAX_BYTES),
      });
      const { apiKey, baseUrl } = options;
      const { prompt, model } = request.recipe;
      const nowMs = (options.now ?? Date.now)();
      // an exception is a bug, but the call may be paid: without a result it would count as in flight until the process ends
      return toResult(reply, { apiKey, nowMs, prompt, model, baseUrl, maxBytes }).catch((cause: unknown) => {
        return toBrokenCall({ ...reply, broken: { why: "network", cause } }, options.apiKey);
      });
    },
    close: () => (closing ??= agent.close()),
  };
}

function toHeaders(apiKey: string): Record<string, string> {
  return {
    authorization: `Bearer ${apiKey}`,
    "content-type": "application/json",
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": "asset-archiver",
  };
}

/** Every field of the recipe, so that a changed default of the API has no effect. */
function toBody({ recipe, response_format }: CallRequest): string {
  const { model, prompt, n, aspect_ratio, seed, steps, guidance_scale, negative_prompt } = recipe;
  const fields = { model, prompt, n, aspect_ratio, seed, steps, guidance_scale, response_format };
  // the API documents no default for it: omitted if empty
  return JSON.stringify(negative_prompt === "" ? fields : { ...fields, negative_prompt });
}

/** n images as base64, plus a margin; at most the maximum string length, since JSON.parse needs a string. */
function answerMaxBytes(n: number, maxImageBytes: number): number {
  return Math.min(Math.ceil((n * maxImageBytes * 4) / 3) + MIB, constants.MAX_STRING_LENGTH);
}

interface ResultOptions extends FailureOptions {
  baseUrl: string;
  maxBytes: number;
}

/** Any status except 2xx is a refusal, however the body ended. With a 2xx, images that were received are an answer. */
async function toResult(reply: Exchange, options: ResultOptions): Promise<CallResult> {
  const { status, headers } = reply;
  if (status === null) return toBrokenCall(reply, options.apiKey);
  const { maxBytes } = options;
  const decoded = await decodeContent(reply.body, { encoding: headers["content-encoding"], maxBytes });
  const bytes = "bytes" in decoded ? decoded.bytes : reply.body;
  const contentType = String(headers["content-type"] ?? "");
  const read = readBytes(bytes, { nowMs: options.nowMs, base: options.baseUrl, contentType });
  if (!isOk(status)) return toFailed({ status, headers, ...read, reading: kindOf(read) }, options);
  if (read.reading.kind === "answer") return toAnswered(read.reading, { status, headers, options });
  const unread = bytes.length > 0 && { unread: bytes };
  // the error in a truncated 2xx may be incomplete
  if (reply.broken !== null && reply.broken.why !== "network")
    return { ...toBrokenCall(reply, options.apiKey), ...unread };
  const reading = reply.broken === null ? read.reading.kind : "malformed";
  const failed = toFailed({ status, headers, ...read, reading }, options);
  return reading === "error" || reading === "empty" ? failed : { ...failed, ...unread };
}

function kindOf({ reading }: ReadBytes): FailedReply["reading"] {
  return reading.kind === "answer" ? "error" : reading.kind;
}

interface Answered {
  status: number;
  headers: Exchange["headers"];
  options: ResultOptions;
}

function toAnswered(
  { answer, refusals = [] }: Extract<ReadBytes["reading"], { kind: "answer" }>,
  { status, headers, options }: Answered,
): CallResult {
  const failures = refusals.map((words) => toRefusal({ status, headers }, words, options));
  const refused = failures.toSorted((one, other) => GRAVITY[one.class] - GRAVITY[other.class])[0];
  const api_request_id = findApiRequestId(headers);
  const answerWithMeta: Answer = {
    ...answer,
    http_status: status,
    api_request_id,
    ...(refused !== undefined && { refused }),
  };
  return { kind: "answered", answer: answerWithMeta };
}

/** The most severe first: an image that can never be made decides before one that may. */
const GRAVITY: Readonly<Record<CallFailure["class"], number>> = { rejected: 0, config: 1, wait: 2, transient: 3 };

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
