// One HTTP request whose response body is a stream: for manifests, which are too large for memory, and for S3, whose protocol
// another library implements. Everything else uses `exchange`, which is bounded as a whole.
import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Dispatcher } from "undici";

export interface StreamOptions {
  /** Scheme, host and port. */
  origin: string;
  /** Path and query as they go over the wire: a signature may cover them, so nothing normalizes them. */
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: Buffer | Uint8Array | string | Readable | null;
  signal?: AbortSignal | undefined;
  /** Time to the response headers, including waiting for a connection. */
  headTimeoutMs: number;
  /** The longest silence within the response body. */
  silenceTimeoutMs: number;
}

/** The response. Its body must be read to the end or destroyed. */
export interface StreamedAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

/** Why a request failed before the response headers, or its body after them. */
export interface StreamError extends Error {
  /** `ETIMEDOUT`, `ECONNRESET`, or another code of Node. */
  code?: string;
}

/** Sends once, without retries. Rejects with a StreamError, or with the signal's reason. */
export async function openStream(dispatcher: Dispatcher, options: StreamOptions): Promise<StreamedAnswer> {
  const { signal, headTimeoutMs, silenceTimeoutMs, body = null, ...request } = options;
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  const timeoutError = timedOut(`no answer within ${headTimeoutMs} ms`);
  const timer = setTimeout(() => controller.abort(timeoutError), headTimeoutMs);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    // undici reuses a connection only one event loop turn after it became free; before, it would open another
    await nextTurn();
    const answer = await dispatcher.request({
      ...request,
      method: request.method as Dispatcher.HttpMethod,
      body,
      signal: controller.signal,
      bodyTimeout: silenceTimeoutMs,
      // undici closes the connection after each HEAD otherwise
      reset: false,
    });
    answer.body.once("close", () => signal?.removeEventListener("abort", stop));
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  } catch (error) {
    signal?.removeEventListener("abort", stop);
    if (signal?.aborted) throw signal.reason;
    throw toStreamError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Translates undici's error codes into Node's, which libraries and people know. */
export function toStreamError(error: unknown): StreamError {
  const { code, message } = error as StreamError;
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return timedOut(message, error);
  if (code === "UND_ERR_SOCKET")
    return Object.assign(new Error(message || "the connection was closed", { cause: error }), { code: "ECONNRESET" });
  return error as StreamError;
}

function timedOut(message: string, cause?: unknown): StreamError {
  return Object.assign(new Error(message, { cause }), { code: "ETIMEDOUT" });
}
