// Checks whether the image API is reachable and accepts the key, without a paid call.

import { toMessage } from "../domain/errors.ts";
import { withoutTrailing } from "../domain/trim-end.ts";
import { createAgent } from "../outbound/agent.ts";
import { exchange } from "../outbound/exchange.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import { toFields } from "./fields.ts";
import { readBytes } from "./reading.ts";

export interface ProbeOptions {
  /** As in IMAGE_API_BASE_URL. */
  baseUrl: string;
  apiKey: string | undefined;
  timeoutMs: number;
  proxy?: ProxySettings;
  signal?: AbortSignal;
}

/**
 * | verdict | answer |
 * |---|---|
 * | accepted | 2xx with a list of models |
 * | no_list | 404 or 405: a server without a list of models; proves neither the URL nor the key |
 * | no_proof | 2xx with anything else: a server that answers 2xx for every path |
 * | key_refused | 401, 403 |
 * | no_balance | 402 |
 * | not_the_api | a redirect, or HTML |
 * | trouble | 429, 5xx and the like: reachable, with problems |
 * | unreachable | no answer |
 */
export interface ApiProbe {
  verdict:
    | "accepted"
    | "no_list"
    | "no_proof"
    | "key_refused"
    | "no_balance"
    | "not_the_api"
    | "trouble"
    | "unreachable";
  status: number | null;
  /** Why there was no answer. */
  reason: string | null;
  /** How far its clock is ahead of ours, in ms, to the second; null if unknown. */
  clockAheadMs: number | null;
}

const BODY_MAX_BYTES = 1024 * 1024;

/** GET {base}/models, once. Never throws for API or network errors. */
export async function probeImageApi(options: ProbeOptions): Promise<ApiProbe> {
  const { baseUrl, apiKey, timeoutMs, proxy, signal = new AbortController().signal } = options;
  const agent = createAgent({ connections: 1, keepAlive: false, connect: { timeout: timeoutMs }, proxy });
  try {
    const reply = await exchange(agent, {
      url: new URL(`${withoutTrailing(baseUrl, "/")}/models`),
      method: "GET",
      headers: { accept: "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
      signal,
      timeoutMs,
      maxBytes: () => BODY_MAX_BYTES,
    });
    const { status } = reply;
    if (status === null) return { verdict: "unreachable", status, reason: toReason(reply.broken), clockAheadMs: null };
    const { isHtml, json } = readBytes(reply.body, {
      nowMs: 0,
      contentType: String(reply.headers["content-type"] ?? ""),
    });
    const verdict = toVerdict(status, { isHtml, isList: isList(json) });
    return { verdict, status, reason: null, clockAheadMs: toClockAhead(String(reply.headers.date ?? "")) };
  } finally {
    await agent.close();
  }
}

/** A list of models as providers return it: {"data": […]}, {"models": […]} or a bare list. */
function isList(json: unknown): boolean {
  const fields = toFields(json);
  return Array.isArray(json) || ["data", "models", "result"].some((name) => Array.isArray(fields?.get(name)));
}

function toVerdict(status: number, body: { isHtml: boolean; isList: boolean }): ApiProbe["verdict"] {
  if (status === 401 || status === 403) return "key_refused";
  if (status === 402) return "no_balance";
  if (status === 404 || status === 405) return "no_list";
  if ((status >= 300 && status < 400) || (status < 300 && body.isHtml)) return "not_the_api";
  if (status >= 300) return "trouble";
  return body.isList ? "accepted" : "no_proof";
}

function toReason(broken: { why: string; cause?: unknown } | null): string {
  if (broken?.cause === undefined) return broken?.why.replaceAll("_", " ") ?? "no answer";
  return toMessage(broken.cause) || broken.why;
}

function toClockAhead(date: string): number | null {
  const theirs = Date.parse(date);
  return Number.isNaN(theirs) ? null : theirs - Date.now();
}
