// A manifest from a web server: https, few redirects, a size cap and no endless silence.
import { ConfigError, RejectedError, TransientError, toMessage } from "../../domain/errors.ts";
import { withoutQuery } from "../../domain/request/http-url.ts";
import { createGuardedAgent, type GuardedAgent } from "../../outbound/address-guard.ts";
import { createFetch } from "../../outbound/agent.ts";
import { isLoopbackHost } from "../../outbound/host-pattern.ts";
import type { ProxySettings } from "../../outbound/proxy.ts";
import type { ManifestSource } from "./entry.ts";

/** Redirects followed at most. */
const REDIRECTS = 5;
/** A manifest of a million long prompts has a fifth of this. In bytes, after decompression. */
const HTTP_MAX_BYTES = 4 * 1024 ** 3;
/** How long a server may be silent, before its answer and within it, in ms. */
const SILENCE_MS = 60_000;

interface HttpOptions {
  signal: AbortSignal | undefined;
  proxy?: ProxySettings | undefined;
  /** For tests. */
  maxBytes?: number;
}

/** Asks a server for a manifest; the body is read as it is needed. */
export async function openHttp(where: string, options: HttpOptions): Promise<ManifestSource> {
  const name = withoutQuery(where);
  const watch = createWatch(options.signal);
  let guard: GuardedAgent | undefined;
  try {
    const first = checkUrl(where);
    guard = openGuard(first, options);
    const answer = await follow(first, { guard, watch });
    const bytes = bodyOf(answer, { guard, watch, name, maxBytes: options.maxBytes ?? HTTP_MAX_BYTES });
    return { name, bytes, mediaType: answer.headers.get("content-type") ?? undefined };
  } catch (thrown) {
    watch.stop();
    void guard?.close();
    throw toSourceError(thrown, name, options.signal);
  }
}

/** The host that was named may be private. Where it leads to may not, unless it is the same host. */
function openGuard(first: URL, { proxy }: HttpOptions): GuardedAgent {
  return createGuardedAgent({ privateHosts: [first.hostname], setting: undefined, connections: 1, proxy });
}

async function follow(first: URL, { guard, watch }: { guard: GuardedAgent; watch: Watch }): Promise<Response> {
  const get = createFetch(guard.dispatcher);
  let url = first;
  for (let redirect = 0; redirect <= REDIRECTS; redirect++) {
    watch.heard();
    const answer = await get(url, { redirect: "manual", signal: watch.signal, headers: { accept: "*/*" } });
    const location = answer.headers.get("location");
    if (answer.status < 300 || answer.status > 399 || location === null) return checkAnswer(answer, first.href);
    await answer.body?.cancel();
    url = checkRedirect(location, { guard, from: url });
  }
  throw unreadable(first.href, `wanted at most ${REDIRECTS} redirects`);
}

function checkUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw unreadable(text, "wanted a URL");
  if (url.username !== "" || url.password !== "") throw unreadable(text, "wanted a URL without user and password");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname)))
    throw unreadable(text, "wanted https://");
  return url;
}

// the guard trusts the first host: what has left this machine may not come back to it even so
function checkRedirect(location: string, { guard, from }: { guard: GuardedAgent; from: URL }): URL {
  const url = checkUrl(URL.parse(location, from.href)?.href ?? location);
  if (isLoopbackHost(url.hostname) && !isLoopbackHost(from.hostname))
    throw unreadable(from.href, "wanted a redirect that does not lead into this machine");
  return guard.checkRedirect(url.href, from);
}

async function checkAnswer(answer: Response, where: string): Promise<Response> {
  if (answer.status === 200) return answer;
  await answer.body?.cancel();
  const reason = `the server answered ${answer.status}`;
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500) throw unreachable(where, reason);
  throw unreadable(where, `${reason}, wanted 200`);
}

async function* bodyOf(
  answer: Response,
  options: { guard: GuardedAgent; watch: Watch; name: string; maxBytes: number },
): AsyncGenerator<Uint8Array> {
  const { guard, watch, name, maxBytes } = options;
  let bytes = 0;
  try {
    for await (const piece of answer.body ?? []) {
      watch.heard();
      bytes += piece.length;
      if (bytes > maxBytes) throw unreadable(name, `it has more than ${maxBytes} bytes`);
      yield piece;
      watch.heard();
    }
  } catch (thrown) {
    throw toSourceError(thrown, name, watch.outer);
  } finally {
    watch.stop();
    void guard.close();
  }
}

interface Watch {
  signal: AbortSignal;
  outer: AbortSignal | undefined;
  heard(): void;
  stop(): void;
}

/** Aborts when the outer signal does, or when nothing was heard for too long. */
function createWatch(outer: AbortSignal | undefined): Watch {
  const controller = new AbortController();
  const end = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(new Error(`silent for ${SILENCE_MS} ms`)), SILENCE_MS);
  // a manifest that was opened and never read must not hold the process
  timer.unref();
  if (outer?.aborted) end();
  outer?.addEventListener("abort", end, { once: true });
  return {
    signal: controller.signal,
    outer,
    heard: () => void timer.refresh(),
    stop: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", end);
    },
  };
}

function toSourceError(thrown: unknown, name: string, outer: AbortSignal | undefined): unknown {
  if (thrown instanceof ConfigError || thrown instanceof TransientError) return thrown;
  if (outer?.aborted) return outer.reason;
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  // the guard, by way of the connection or before it
  if (cause instanceof RejectedError) return unreadable(name, cause.message);
  return unreachable(name, toMessage(cause), thrown);
}

function unreadable(where: string, reason: string): ConfigError {
  return new ConfigError(`Cannot read manifest "${withoutQuery(where)}": ${reason}`, { code: "manifest_unreadable" });
}

function unreachable(where: string, reason: string, cause?: unknown): TransientError {
  return new TransientError(
    `Cannot read manifest "${withoutQuery(where)}": ${reason}, wanted an answer from the server`,
    {
      code: "manifest_unreachable",
      cause,
    },
  );
}
