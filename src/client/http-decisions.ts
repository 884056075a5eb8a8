// Cancel and retry by HTTP. That it was too late is an answer here, and no error.
import { RejectedError } from "../domain/errors.ts";
import type { RequestState } from "../domain/records.ts";
import type { RequestView } from "../output/report/request-view.ts";
import type { CallOptions, CancelResult, RetryResult } from "./contract.ts";
import { parseReply, type Send } from "./http-exchange.ts";

/** The server refuses what comes too late with one of these. */
const TOO_LATE = [409, 422];

/** Throws RejectedError `request_not_found` where there is none. */
export async function cancelByHttp(send: Send, requestId: string, { signal }: CallOptions): Promise<CancelResult> {
  await send({ method: "DELETE", path: toPath(requestId), signal, expect: [...TOO_LATE, 404] });
  const { state, calls } = await look(send, requestId, signal);
  const cancelled = state === "cancelled";
  const paid = !cancelled && calls.some((call) => call.state !== "refused");
  return { request_id: requestId, cancelled, paid, state };
}

interface Retried {
  pays: boolean;
  again: boolean;
  state: RequestState;
}

/** Throws RejectedError `request_not_found` where there is none. */
export async function retryByHttp(send: Send, requestId: string, { signal }: CallOptions): Promise<RetryResult> {
  const path = `${toPath(requestId)}/retry`;
  const reply = await send({ method: "POST", path, signal, expect: [...TOO_LATE, 404] });
  if (reply.status < 300) {
    const { pays, again, state } = parseReply<Retried>(reply);
    return { request_id: requestId, retried: true, pays, again, state };
  }
  const { state } = await look(send, requestId, signal);
  return { request_id: requestId, retried: false, pays: false, again: false, state };
}

async function look(send: Send, requestId: string, signal: AbortSignal | undefined): Promise<RequestView> {
  const reply = await send({ method: "GET", path: toPath(requestId), signal, expect: [404] });
  if (reply.status !== 404) return parseReply<RequestView>(reply);
  throw new RejectedError(`There is no request "${requestId}"`, { code: "request_not_found" });
}

function toPath(requestId: string): string {
  return `v1/requests/${encodeURIComponent(requestId)}`;
}
