// Sends one message to a foreign address: checked like an image's URL, not redirected, bounded in time and size.
import { ArchiverError, RejectedError, toMessage } from "../domain/errors.ts";
import { redactUrl } from "../domain/request/http-url.ts";
import { parseRetryAfter } from "../domain/retry-after.ts";
import { createGuardedAgent } from "../outbound/address-guard.ts";
import { type Exchange, exchange } from "../outbound/exchange.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import type { WebhookMessage } from "./message.ts";

/** How a try ended. `refused`: no further try can help. The error shows the origin of the address alone. */
export type SendEnd =
  | { kind: "delivered" }
  | { kind: "refused"; error: string }
  | { kind: "failed"; error: string; retryAfterMs?: number };

export interface Sender {
  /** Never throws. */
  send(url: string, message: WebhookMessage, options: { signal: AbortSignal }): Promise<SendEnd>;
  close(): Promise<void>;
}

export interface SenderOptions {
  privateHosts: readonly string[];
  proxy?: ProxySettings;
  /** Default 15 s, as the specification advises 15 to 30. */
  timeoutMs?: number;
}

/** Of an answer nothing is wanted but its status; more than this is not read. */
const ANSWER_MAX_BYTES = 64 * 1024;

/** A sender with connections of its own. Must be closed. */
export function createSender({ timeoutMs = 15_000, ...options }: SenderOptions): Sender {
  const agent = createGuardedAgent({ ...options, setting: "PRIVATE_WEBHOOK_HOSTS" });
  return {
    async send(url, { body, headers }, { signal }) {
      try {
        const target = agent.checkUrl(url);
        const limits = { signal, timeoutMs, maxBytes: () => ANSWER_MAX_BYTES };
        return toEnd(
          await exchange(agent.dispatcher, { url: target, method: "POST", headers, body, ...limits }),
          target,
        );
      } catch (error) {
        return { kind: error instanceof RejectedError ? "refused" : "failed", error: toMessage(error) };
      }
    },
    close: () => agent.close(),
  };
}

/**
 * | answer | end |
 * |---|---|
 * | 2xx, even cut short | delivered |
 * | 410 | refused: the receiver wants no more |
 * | an address that must not be reached | refused |
 * | 3xx and every other status, none at all | failed |
 */
function toEnd({ status, headers, broken }: Exchange, url: URL): SendEnd {
  const where = redactUrl(url.href);
  if (status !== null && status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "refused", error: `${where} answered 410: it wants no more` };
  if (status !== null)
    return { kind: "failed", error: `${where} answered ${status}, wanted 2xx`, ...retryAfter(headers) };
  if (broken?.cause instanceof RejectedError) return { kind: "refused", error: broken.cause.message };
  const reason = broken?.cause instanceof ArchiverError ? broken.cause.message : reasonOf(broken);
  return { kind: "failed", error: `Cannot reach ${where}: ${reason}` };
}

function reasonOf(broken: Exchange["broken"]): string {
  if (broken?.why !== "network") return (broken?.why ?? "no answer").replaceAll("_", " ");
  const { code } = (broken.cause ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "the connection failed";
}

function retryAfter(headers: Exchange["headers"]): { retryAfterMs?: number } {
  const retryAfterMs = parseRetryAfter(headers, Date.now());
  return retryAfterMs === null ? {} : { retryAfterMs };
}
