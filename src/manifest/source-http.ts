// A manifest from a web server: https, few redirects, a size cap and no silence without end.
import { ConfigError, TransientError, toMessage } from "../errors.ts";
import type { ManifestSource } from "./entry.ts";

/** Redirects followed at most. */
const REDIRECTS = 5;
/** A manifest of a million long prompts has a fifth of this. In bytes, after decompression. */
const HTTP_MAX_BYTES = 4 * 1024 ** 3;
/** How long a server may be silent, before its answer and within it, in ms. */
const SILENCE_MS = 60_000;

/** Asks a server for a manifest; the body is read as it is wanted. `maxBytes` is there for tests. */
export async function openHttp(
  where: string,
  options: { signal: AbortSignal | undefined; maxBytes?: number },
): Promise<ManifestSource> {
  const watch = createWatch(options.signal);
  try {
    const answer = await follow(where, watch);
    const bytes = bodyOf(answer, { watch, name: nameOf(where), maxBytes: options.maxBytes ?? HTTP_MAX_BYTES });
    return { name: nameOf(where), bytes, mediaType: answer.headers.get("content-type") ?? undefined };
  } catch (thrown) {
    watch.stop();
    throw toSourceError(thrown, nameOf(where), options.signal);
  }
}

async function follow(where: string, watch: Watch): Promise<Response> {
  let url = checkUrl(where, undefined);
  for (let redirect = 0; redirect <= REDIRECTS; redirect++) {
    watch.heard();
    const answer = await fetch(url, { redirect: "manual", signal: watch.signal, headers: { accept: "*/*" } });
    const location = answer.headers.get("location");
    if (answer.status < 300 || answer.status > 399 || location === null) return checkAnswer(answer, where);
    await answer.body?.cancel();
    url = checkUrl(new URL(location, url).href, url);
  }
  throw unreadable(where, `wanted at most ${REDIRECTS} redirects`);
}

// a redirect may not leave https, nor lead from elsewhere into this machine
function checkUrl(text: string, from: URL | undefined): URL {
  const url = URL.parse(text);
  if (url === null) throw unreadable(text, "wanted a URL");
  if (url.username !== "" || url.password !== "") throw unreadable(text, "wanted a URL without user and password");
  const local = isLoopback(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) throw unreadable(text, "wanted https://");
  if (from !== undefined && local && !isLoopback(from.hostname)) {
    throw unreadable(text, "wanted a redirect that does not lead into this machine");
  }
  return url;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
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
  options: { watch: Watch; name: string; maxBytes: number },
): AsyncGenerator<Uint8Array> {
  const { watch, name, maxBytes } = options;
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
  return unreachable(name, toMessage(cause), thrown);
}

/** A URL as people may see it: signed ones keep their secret in the query. */
function nameOf(where: string): string {
  const url = URL.parse(where);
  return url === null ? where.replace(/[?#].*$/, "") : `${url.protocol}//${url.host}${url.pathname}`;
}

function unreadable(where: string, reason: string): ConfigError {
  return new ConfigError(`Cannot read manifest "${nameOf(where)}": ${reason}`, { code: "manifest_unreadable" });
}

function unreachable(where: string, reason: string, cause?: unknown): TransientError {
  return new TransientError(`Cannot read manifest "${nameOf(where)}": ${reason}, wanted an answer from the server`, {
    code: "manifest_unreachable",
    cause,
  });
}
