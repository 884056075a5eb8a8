// The only caller of the image API: one HTTP call in, one typed result out. It never repeats a call and never throws.
import { constants } from "node:buffer";
import { createAgent } from "../outbound/agent.ts";
import { type Exchange, exchange } from "../outbound/exchange.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import type { Answer, CallRequest, CallResult, ImageApi } from "../pipeline/ports.ts";
import { readAnswer } from "./answer.ts";
import { decodeContent } from "./content-encoding.ts";
import { findApiRequestId } from "./error-body.ts";
import { toFailed } from "./failure.ts";
import { toBroken } from "./no-answer.ts";

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
      const reading = { apiKey: options.apiKey, nowMs: (options.now ?? Date.now)(), maxBytes };
      // what throws here is a bug, and the call is paid: without an end it would count as out as long as this process lives
      return toResult(reply, reading).catch((cause: unknown) => {
        return toBroken({ ...reply, broken: { why: "network", cause } }, options.apiKey);
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

/** With a status other than 2xx the API has said no, however the body ended. */
async function toResult(
  reply: Exchange,
  options: { apiKey: string; nowMs: number; maxBytes: number },
): Promise<CallResult> {
  const { status, headers } = reply;
  if (status === null) return toBroken(reply, options.apiKey);
  if (isOk(status) && reply.broken !== null && reply.broken.why !== "network") return toBroken(reply, options.apiKey);

  const decoded = await decodeContent(reply.body, {
    encoding: headers["content-encoding"],
    maxBytes: options.maxBytes,
  });
  const text = "bytes" in decoded ? decoded.bytes.toString("utf8") : "";
  const json = reply.broken === null || !isOk(status) ? parseJson(text) : undefined;
  const isHtml = json === undefined && looksLikeHtml(text, headers["content-type"]);
  const reading = readAnswer(json, options.nowMs);
  if (isOk(status) && reading.kind === "answer") {
    const answer: Answer = { ...reading.answer, http_status: status, api_request_id: findApiRequestId(headers) };
    return { kind: "answered", answer };
  }
  const kind = reading.kind === "answer" ? "error" : reading.kind;
  return toFailed({ status, headers, json, isHtml, reading: kind }, options);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function looksLikeHtml(text: string, contentType: string | string[] | undefined): boolean {
  return /text\/html/i.test(String(contentType)) || /^\s*<(!doctype|html|head|body|\?xml)/i.test(text.slice(0, 200));
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
