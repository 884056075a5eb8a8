// The only caller of the image API: one HTTP call in, one typed result out. It never repeats a call and never throws.
import { constants } from "node:buffer";
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
  /** A call's whole time, connecting included. */
  timeoutMs: number;
  /** As many as calls are made at the same time; a call over it waits, and its time runs. */
  maxConnections: number;
  /** The largest image wanted; bounds an answer that brings bytes. Default 64 MiB. */
  maxImageBytes?: number;
  proxy?: ProxySettings;
  /** Stands in for a missing `created`; ms. */
  now?: () => number;
}

const MIB = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** Of a reply that is no answer, this much is read: enough for any error body. */
const ERROR_BODY_MAX_BYTES = MIB;

/** The image API behind its port. */
export function createImageApi(options: ImageApiOptions): ImageApi {
  const url = new URL(`${options.baseUrl.replace(/\/+$/, "")}/images/generations`);
  const agent = createAgent({
    connections: options.maxConnections,
    // A kept connection may be closed by the other side just as we write to it, and the call would be `unknown` for
    // nothing. A handshake is cheap beside seconds of generation.
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
      // what throws here is a bug, and the call is paid: without an end it would count as out as long as this process lives
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

/** Every field of the recipe, so that no default of the API's can change under us. */
function toBody({ recipe, response_format }: CallRequest): string {
  const { model, prompt, n, aspect_ratio, seed, steps, guidance_scale, negative_prompt } = recipe;
  const fields = { model, prompt, n, aspect_ratio, seed, steps, guidance_scale, response_format };
  // the API gives no default for it: nothing is said where there is nothing to say
  return JSON.stringify(negative_prompt === "" ? fields : { ...fields, negative_prompt });
}

/** n images as base64, and room for the rest; never more than fits into one string, which JSON.parse needs. */
function answerMaxBytes(n: number, maxImageBytes: number): number {
  return Math.min(Math.ceil((n * maxImageBytes * 4) / 3) + MIB, constants.MAX_STRING_LENGTH);
}

interface ResultOptions extends FailureOptions {
  baseUrl: string;
  maxBytes: number;
}

/** With a status other than 2xx the API has said no, however the body ended; with one, images that came are an answer. */
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
  // what a broken 2xx says of an error may be half of it
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

/** An image that will never come decides about its request before one that may. */
const GRAVITY: Readonly<Record<CallFailure["class"], number>> = { rejected: 0, config: 1, wait: 2, transient: 3 };

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
