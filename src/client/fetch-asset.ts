// The bytes of an asset by HTTP: bounded in size, and in time between two pieces; never a token to another server.
import { ArchiverError, RejectedError, TransientError } from "../domain/errors.ts";
import type { AssetReference, AssetStream, FetchOptions, HttpClientOptions } from "./contract.ts";
import { TIMEOUT_MS, toBase, toStatusError, toUnreachable } from "./http-exchange.ts";

const MAX_BYTES = 64 * 1024 * 1024;

/** All bytes. Those of the image itself are compared with the digest; a difference is a TransientError `digest_mismatch`. */
export async function fetchAsset(
  client: HttpClientOptions,
  asset: AssetReference,
  options: FetchOptions = {},
): Promise<Uint8Array> {
  const { digest, body } = await streamAsset(client, asset, options);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  const bytes = concat(pieces);
  if (options.thumbnail || (await sha256(bytes)) === digest) return bytes;
  const message = `Cannot use the bytes of asset "${digest}": they have another digest; try again`;
  throw new TransientError(message, { code: "digest_mismatch" });
}

/** Resolves when the answer has begun; the bytes come as they are read. Nobody has compared them with the digest. */
export async function streamAsset(
  { url, token, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch }: HttpClientOptions,
  asset: AssetReference,
  { signal, thumbnail = false, maxBytes = MAX_BYTES }: FetchOptions = {},
): Promise<AssetStream> {
  const digest = digestOf(asset);
  const base = toBase(url);
  const where = base.origin + base.pathname.replace(/\/$/, "");
  const pace = createPace(signal, timeoutMs);
  const failed = (thrown: unknown) => {
    pace.release();
    signal?.throwIfAborted();
    return thrown instanceof ArchiverError ? thrown : toUnreachable(thrown, where);
  };
  try {
    const target = new URL(`v1/assets/${digest}/${thumbnail ? "thumbnail" : "content"}`, base);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(target, { headers, redirect: "manual", signal: pace.signal });
    const response = isInBucket(answer, digest) ? await fetchFromBucket(answer, { fetch, pace, base }) : answer;
    if (!response.ok)
      throw toStatusError({ status: response.status, text: await response.text() }, { where, response });
    const bytes = lengthOf(response);
    if (bytes !== null && bytes > maxBytes) throw await tooLarge(response, { digest, maxBytes });
    const content_type = response.headers.get("content-type") ?? "application/octet-stream";
    return { digest, content_type, bytes, body: bounded(response, { digest, maxBytes, pace, failed }) };
  } catch (error) {
    throw failed(error);
  }
}

function digestOf(asset: AssetReference): string {
  const digest = typeof asset === "string" ? asset : asset?.digest;
  if (typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest)) return digest;
  const message = "Cannot fetch an asset: expected its digest (SHA-256 in lower-case hex) or an object with one";
  throw new RejectedError(message, {
    code: "invalid_request",
    faults: [{ field: "digest", message: "expected 64 hex digits" }],
  });
}

interface Pace {
  readonly signal: AbortSignal;
  /** Something came: the time begins again. */
  arm(): void;
  /** Nobody is waiting for the server just now. */
  rest(): void;
  release(): void;
}

/** Ends with the caller's signal, or when nothing has come for `timeoutMs` while somebody waits for it. */
function createPace(signal: AbortSignal | undefined, timeoutMs: number): Pace {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => controller.abort(signal?.reason);
  const rest = () => clearTimeout(timer);
  const arm = () => {
    rest();
    timer = setTimeout(() => controller.abort(new Error(`nothing came within ${timeoutMs} ms`)), timeoutMs);
  };
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  arm();
  const release = () => {
    rest();
    signal?.removeEventListener("abort", stop);
  };
  return { signal: controller.signal, arm, rest, release };
}

// ASSET_REDIRECT: the server names the asset in the tag; any other redirect is not the server's own
function isInBucket({ status, headers }: Response, digest: string): boolean {
  return status === 302 && headers.get("etag") === `"${digest}"`;
}

// without our token: the address itself lets in
async function fetchFromBucket(
  answer: Response,
  { fetch, pace, base }: { fetch: typeof globalThis.fetch; pace: Pace; base: URL },
): Promise<Response> {
  await answer.body?.cancel();
  pace.arm();
  const address = new URL(answer.headers.get("location") ?? "", base);
  const response = await fetch(address, { signal: pace.signal });
  if (response.ok) return response;
  await response.body?.cancel();
  const message = `Cannot fetch the asset from ${address.origin}: status ${response.status}; try again`;
  throw new TransientError(message, { code: `http_${response.status}` });
}

function lengthOf({ headers }: Response): number | null {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? null : Number(length);
}

async function tooLarge(
  { body }: { body: { cancel(): Promise<void> } | null },
  { digest, maxBytes }: { digest: string; maxBytes: number },
): Promise<RejectedError> {
  await body?.cancel().catch(() => undefined);
  const message = `Cannot fetch asset "${digest}": it has more than ${maxBytes} bytes (maxBytes)`;
  return new RejectedError(message, { code: "asset_too_large" });
}

interface Bounds {
  digest: string;
  maxBytes: number;
  pace: Pace;
  failed(thrown: unknown): Error;
}

function bounded({ body }: Response, { digest, maxBytes, pace, failed }: Bounds): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  let received = 0;
  pace.rest();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          pace.arm();
          const { done, value } = (await reader?.read()) ?? { done: true };
          pace.rest();
          received += value?.length ?? 0;
          if (received > maxBytes) throw await tooLarge({ body: reader ?? null }, { digest, maxBytes });
          if (value !== undefined) controller.enqueue(value);
          if (!done) return;
          pace.release();
          controller.close();
        } catch (error) {
          throw failed(error);
        }
      },
      cancel: async (reason) => {
        pace.release();
        await reader?.cancel(reason);
      },
    },
    // nothing is read ahead: a reader who stops stops the server
    { highWaterMark: 0 },
  );
}

function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
