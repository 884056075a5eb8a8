// Downloads image URLs of the API: checked addresses, capped size, minimum rate, every redirect checked.
// Translates failures into our own errors, without the path and query of a URL, which give access.
import { ArchiverError, RejectedError, TransientError, toMessage } from "../domain/errors.ts";
import { redactUrl } from "../domain/request/http-url.ts";
import { createGuardedAgent, type GuardedAgent, type GuardOptions } from "../outbound/address-guard.ts";
import { type Exchange, exchange } from "../outbound/exchange.ts";
import type { Downloader } from "../pipeline/ports.ts";
import { decodeContent } from "./content-encoding.ts";
import { scrub } from "./error-body.ts";

export interface DownloaderOptions extends Omit<GuardOptions, "setting"> {
  /** The maximum size of an image, on the wire and decoded. */
  maxBytes: number;
  /** The download ends below this rate over a whole `rateWindowMs`. Default 1 KiB/s over 30 s. */
  minBytesPerSecond?: number;
  rateWindowMs?: number;
  /** The total time of a hop. Default five minutes. */
  timeoutMs?: number;
  /** Default 3. */
  maxRedirects?: number;
}

/** A downloader with its own connections. Downloads may be retried. */
export function createDownloader(options: DownloaderOptions): Downloader {
  const agent = createGuardedAgent({ ...options, setting: "PRIVATE_IMAGE_HOSTS" });
  return {
    async download(url, { signal, admit }) {
      const limits = { ...options, signal, admit };
      let target = agent.checkUrl(url);
      for (let hops = options.maxRedirects ?? 3; ; hops--) {
        const reply = await get(agent, { url: target, ...limits });
        if (!REDIRECTS.has(reply.status ?? 0)) return toImage(reply, { url: target, maxBytes: options.maxBytes });
        if (hops <= 0) throw failed(target, "download_failed", "too many redirects");
        target = follow(reply, { agent, from: target });
      }
    },
    close: () => agent.close(),
  };
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const GONE = new Set([403, 404, 410]);

interface GetOptions extends DownloaderOptions {
  url: URL;
  signal: AbortSignal;
  admit: ((bytes: number) => Promise<void>) | undefined;
}

function get(agent: GuardedAgent, options: GetOptions): Promise<Exchange> {
  return exchange(agent.dispatcher, {
    url: options.url,
    method: "GET",
    headers: { accept: "image/*,*/*;q=0.5", "accept-encoding": "identity", "user-agent": "asset-archiver" },
    signal: options.signal,
    admit: options.admit,
    timeoutMs: options.timeoutMs ?? 5 * 60_000,
    maxBytes: (status) => (isOk(status) ? options.maxBytes : 0),
    pace: { minBytesPerSecond: options.minBytesPerSecond ?? 1024, windowMs: options.rateWindowMs ?? 30_000 },
  });
}

/** The next hop, checked like the first. */
function follow(reply: Exchange, options: { agent: GuardedAgent; from: URL }): URL {
  const location = toUtf8(String([reply.headers.location].flat()[0] ?? ""));
  if (location === "" || !URL.canParse(location, options.from.href)) {
    throw failed(options.from, "download_failed", `Redirect (${reply.status}) without a Location header`);
  }
  return options.agent.checkRedirect(location, options.from);
}

/** A header as text: undici maps each byte to one character, and many servers send raw UTF-8. */
function toUtf8(header: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(header, "latin1"));
  } catch {
    return header;
  }
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Whether a 206, which we did not request, says that it is incomplete. */
function isPartial({ status, headers }: Exchange): boolean {
  const range = headers["content-range"];
  if (status !== 206 || range === undefined) return false;
  const [, start, end, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(String(range)) ?? [];
  return start === undefined || Number(start) !== 0 || (size !== "*" && Number(end) + 1 !== Number(size));
}

/** Checks the status first: the body of an error status is not read, so how it ended means nothing. */
async function toImage(reply: Exchange, options: { url: URL; maxBytes: number }): Promise<Buffer> {
  const { url, maxBytes } = options;
  if (reply.status !== null && !isOk(reply.status)) {
    const code = GONE.has(reply.status) ? "download_gone" : "download_failed";
    throw failed(url, code, `got status ${reply.status}, wanted 200`);
  }
  if (isPartial(reply)) throw failed(url, "download_truncated", "got a partial response (206), expected all of it");
  if (reply.broken !== null) throw toBreakError(reply, options);
  const decoded = await decodeContent(reply.body, { encoding: reply.headers["content-encoding"], maxBytes });
  if ("fault" in decoded) throw tooLarge(url, maxBytes);
  if (decoded.bytes.length === 0) throw failed(url, "download_empty", "got 0 bytes, wanted at least 1");
  return decoded.bytes;
}

function toBreakError(reply: Exchange, { url, maxBytes }: { url: URL; maxBytes: number }): ArchiverError {
  const cause = reply.broken?.cause;
  switch (reply.broken?.why) {
    case "too_large":
      return tooLarge(url, maxBytes);
    case "too_slow":
      return failed(url, "download_too_slow", `it came below the minimum rate, ${reply.body.length} bytes so far`);
    case "timed_out":
      return failed(url, "download_timeout", `it did not end in time, ${reply.body.length} bytes so far`);
    case "aborted":
      return failed(url, "download_aborted", "it was stopped");
    case "refused":
      if (cause instanceof ArchiverError) return cause;
      return failed(url, "download_refused", "there is no memory for it here", cause);
  }
  // the address guard's errors come through the connector
  if (cause instanceof ArchiverError) return cause;
  if (reply.status === null) return failed(url, "download_failed", "the connection failed", cause);
  const wanted = reply.headers["content-length"] ?? "all";
  return failed(url, "download_truncated", `got ${reply.body.length} bytes, wanted ${wanted}`, cause);
}

function tooLarge(url: URL, maxBytes: number): RejectedError {
  return new RejectedError(`Cannot download ${originOf(url)}: it is larger than ${maxBytes} bytes`, {
    code: "image_too_large",
  });
}

function failed(url: URL, code: string, why: string, cause?: unknown): TransientError {
  const detail = cause === undefined ? "" : ` (${scrub(toMessage(cause), "")})`;
  return new TransientError(`Cannot download ${originOf(url)}: ${why}${detail}`, { code, cause });
}

/** The origin alone: path and query give access. */
function originOf(url: URL): string {
  return redactUrl(url.href) ?? "an image";
}
