// One HTTP request whose answer is read as a stream: for manifests and S3, whose bodies are too large to hold or whose
// protocol belongs to another library. Everything else goes through `exchange`, which is bounded as a whole.
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
  /** Until the answer's head, waiting for a connection included. */
  headTimeoutMs: number;
  /** The longest silence within the answer's body. */
  silenceTimeoutMs: number;
}

/** The answer's head, and its body, which must be read to its end or destroyed. */
export interface StreamedAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

/** How a request failed before the head of its answer, or its body afterwards. */
export interface StreamError extends Error {
  /** `ETIMEDOUT`, `ECONNRESET`, or what Node calls it. */
  code?: string;
}

/** Sends once, never repeats. Rejects with a StreamError, or with the signal's reason. */
export async function openStream(dispatcher: Dispatcher, options: StreamOptions): Promise<StreamedAnswer> {
  const { signal, headTimeoutMs, silenceTimeoutMs, body = null, ...request } = options;
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  const timeoutError = timedOut(`no answer within ${headTimeoutMs} ms`);
  const timer = setTimeout(() => controller.abort(timeoutError), headTimeoutMs);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    // undici looks at a connection that has just become free for a turn: asked within it, it opens another one
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

/** undici's own codes in the words of Node, which libraries and people know. */
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
