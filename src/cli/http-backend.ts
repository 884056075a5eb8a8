// The desk of a server, by way of the client that other services use.

import type { RereadResult } from "../app/request-actions.ts";
import type { RetryManyResult } from "../app/retry-many.ts";
import { createSend, parseReply } from "../client/http-exchange.ts";
import { createClient, RejectedError, type SubmissionInput } from "../client.ts";
import { withoutTrailing } from "../domain/trim-end.ts";
import { createFetch } from "../outbound/agent.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import { assetPath } from "../output/report/asset-links.ts";
import type { Backend } from "./backend.ts";

/** An action on very many requests takes minutes. */
const ACTION_TIMEOUT_MS = 10 * 60_000;

/** Connects at the first use. Must be closed. */
export function openHttpBackend(server: { url: string; token: string | undefined; proxy: ProxySettings }): Backend & {
  close(): Promise<void>;
} {
  const { url, token, proxy } = server;
  const options = { url, fetch: createFetch(proxy), ...(token === undefined ? {} : { token }) };
  const client = createClient(options);
  return {
    enqueue: (data) => client.enqueue(data as SubmissionInput),
    find: (requestId) => client.get(requestId),
    wait: (requestId, signal) => orUndefined(client.wait(requestId, { signal }), signal),
    retry: async (requestId) => {
      const end = await orUndefined(client.retry(requestId));
      if (end === undefined || !end.retried) return end && { retried: false, state: end.state };
      const { pays, again, state } = end;
      return { retried: true, stage: pays ? "generate" : "archive", pays, again, state };
    },
    reread: async (requestId) => {
      const path = `v1/requests/${encodeURIComponent(requestId)}/reread`;
      return orUndefined(
        createSend(options)({ method: "POST", path }).then((reply) => parseReply<RereadResult>(reply)),
      );
    },
    retryMany: async (filter, { dryRun }) => {
      const text = JSON.stringify({ action: "retry", filter, dry_run: dryRun });
      const send = createSend({ ...options, timeoutMs: ACTION_TIMEOUT_MS });
      const body = { type: "application/json" as const, text };
      return parseReply<RetryManyResult>(await send({ method: "POST", path: "v1/actions", body }));
    },
    cancel: async (requestId) => {
      const end = await orUndefined(client.cancel(requestId));
      if (end === undefined) return undefined;
      const { state, paid } = end;
      return end.cancelled ? { cancelled: true, state: "cancelled" } : { cancelled: false, state, paid };
    },
    overview: () => client.status(),
    explain: (requestId) => client.explainWait(requestId),
    // a server of an earlier version gives no address
    locate: ({ digest, url: address }) => address ?? withoutTrailing(url, "/") + assetPath(digest, "content"),
    close: () => client.close(),
  };
}

/** What is not there, or was not waited for, is undefined to a command. */
async function orUndefined<T>(work: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted || (error instanceof RejectedError && error.code === "request_not_found")) return undefined;
    throw error;
  }
}
