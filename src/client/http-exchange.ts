// One exchange with the server: bounded in time, never redirected, and every way to fail is one of our classes.
import {
  type ArchiverError,
  ConfigError,
  type Fault,
  RejectedError,
  TransientError,
  toMessage,
  WaitError,
} from "../domain/errors.ts";
import { parseRetryAfter } from "../domain/retry-after.ts";
import type { HttpClientOptions } from "./contract.ts";
import { createLimit } from "./limit.ts";

export interface ApiCall {
  method: "GET" | "POST" | "DELETE";
  /** Below the server's address, such as `v1/requests`. */
  path: string;
  query?: object;
  body?: { type: "application/json" | "application/x-ndjson"; text: string };
  signal?: AbortSignal | undefined;
  /** Beyond the client's own, in ms: for an answer that waits. */
  extraMs?: number;
  /** Statuses that are an answer and no error, beside 2xx. */
  expect?: readonly number[];
}

export interface Reply {
  status: number;
  text: string;
}

export type Send = (exchange: ApiCall) => Promise<Reply>;

/** The time for one exchange, in ms. */
export const TIMEOUT_MS = 15_000;

/** Speaks to one server. Throws ConfigError for an address that is none. */
export function createSend({ url, token, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch }: HttpClientOptions): Send {
  const base = toBase(url);
  const where = base.origin + base.pathname.replace(/\/$/, "");
  return async (exchange) => {
    const ms = timeoutMs + (exchange.extraMs ?? 0);
    const late = () => new Error(`no answer within ${ms} ms`);
    const limit = createLimit({ signal: exchange.signal, timeoutMs: ms, late });
    try {
      const response = await fetch(toUrl(base, exchange), {
        method: exchange.method,
        headers: toHeaders(exchange, token),
        body: exchange.body?.text ?? null,
        redirect: "manual",
        signal: limit.signal,
      });
      const reply = { status: response.status, text: await response.text() };
      if (response.ok || exchange.expect?.includes(reply.status)) return reply;
      throw toStatusError(reply, { where, response });
    } catch (error) {
      exchange.signal?.throwIfAborted();
      if (error instanceof TypeError || limit.signal.aborted) throw toUnreachable(error, where);
      throw error;
    } finally {
      limit.release();
    }
  };
}

/** The JSON of a reply. Throws TransientError for anything else: a proxy's page, most likely. */
export function parseReply<T>({ status, text }: Reply): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new TransientError(`The server's answer (${status}) is no JSON: is this an asset-archiver?`, {
      code: "bad_answer",
      cause,
    });
  }
}

/** The server's address, with a slash at its end. Throws ConfigError for one that is none. */
export function toBase(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) {
    if (!parsed.pathname.endsWith("/")) parsed.pathname += "/";
    return parsed;
  }
  throw new ConfigError("Cannot connect: url: wanted the server's address, such as http://127.0.0.1:8080", {
    code: "invalid_settings",
    faults: [{ field: "url", message: "wanted an http or https URL" }],
  });
}

function toUrl(base: URL, { path, query = {} }: ApiCall): URL {
  const url = new URL(path, base);
  for (const [name, given] of Object.entries(query))
    for (const value of [given].flat()) if (value !== undefined) url.searchParams.append(name, String(value));
  return url;
}

function toHeaders({ body }: ApiCall, token: string | undefined): Record<string, string> {
  return {
    accept: "application/json, application/x-ndjson",
    ...(body === undefined ? {} : { "content-type": body.type }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** The error of an exchange that broke: no connection, no answer in time. */
export function toUnreachable(thrown: unknown, where: string): TransientError {
  const cause = thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
  const code = (cause as { code?: unknown }).code;
  const reason = toMessage(cause) || String(code ?? "connection failed");
  return new TransientError(`Cannot reach the server at ${where}: ${reason}; check the address and that it runs`, {
    code: "server_unreachable",
    cause: thrown,
  });
}

/**
 * | status | class |
 * |---|---|
 * | 401, 403 | ConfigError: the token |
 * | 429 | WaitError, until the server says |
 * | 408, 5xx | TransientError |
 * | 3xx | ConfigError: not the server's own address |
 * | any other 4xx | RejectedError, with the server's code and faults |
 */
export function toStatusError(
  reply: Reply,
  { where, response }: { where: string; response: { headers: Headers } },
): ArchiverError {
  const retryAfterMs = retryAfterOf(response.headers);
  const { status } = reply;
  const told = readError(reply);
  const code = told.code ?? `http_${status}`;
  const message = told.message ?? `The server at ${where} answered with status ${status}`;
  if (status === 401 || status === 403) return new ConfigError(`${message} (${where})`, { code });
  if (status < 400)
    return new ConfigError(`The server at ${where} leads elsewhere (${status}): give its own address`, { code });
  if (status === 429) return new WaitError(message, { code, retryAfterMs });
  if (status === 408 || status >= 500) return new TransientError(message, { code });
  return new RejectedError(message, { code, faults: told.faults });
}

function retryAfterOf(headers: Headers): number | undefined {
  return parseRetryAfter(Object.fromEntries(headers), Date.now()) ?? undefined;
}

function readError({ text }: Reply): { code?: string; message?: string; faults: Fault[] } {
  try {
    const { error } = JSON.parse(text) as { error: { code?: string; message?: string; faults?: Fault[] } };
    return { ...error, faults: error.faults ?? [] };
  } catch {
    return { faults: [] };
  }
}
