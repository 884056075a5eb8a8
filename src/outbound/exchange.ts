// One HTTP exchange over an undici dispatcher, bounded in time, size and pace. Never retries and never throws.
// It reports what was received and where it broke; callers decide what that means.
import type { Dispatcher } from "undici";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface ExchangeOptions {
  url: URL;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** The total time, including waiting for a connection. */
  timeoutMs: number;
  /** The maximum size of the body, given the status. */
  maxBytes: (status: number) => number;
  /**
   * Called before the body is read, with its maximum size; the response is paused meanwhile. If it rejects, the exchange
   * ends with `refused` and that cause.
   */
  admit?: ((bytes: number) => Promise<void>) | undefined;
  /** The exchange ends if it receives fewer bytes than `minBytesPerSecond` over a whole window. */
  pace?: { minBytesPerSecond: number; windowMs: number };
}

/** Why an exchange stopped early. `refused`: by `admit`, on our side. */
export type Break = "timed_out" | "too_slow" | "aborted" | "too_large" | "refused" | "network";

/** What was received. `broken` is null if the body is complete. */
export interface Exchange {
  /** False only if no byte of the request was written to a connection. */
  sent: boolean;
  status: number | null;
  headers: Headers;
  body: Buffer;
  broken: { why: Break; cause?: unknown } | null;
}

/** Runs one exchange. Resolves exactly once, at the latest after `timeoutMs`. */
export function exchange(dispatcher: Dispatcher, options: ExchangeOptions): Promise<Exchange> {
  return new Promise((resolve) => {
    const seen: Omit<Exchange, "body" | "broken"> = { sent: false, status: null, headers: {} };
    const body = createBody();
    let controller: Dispatcher.DispatchController | undefined;
    let ended = false;

    const end = (broken: Exchange["broken"]) => {
      if (ended) return;
      ended = true;
      watchdog.stop();
      resolve({ ...seen, body: body.take(), broken });
      if (broken !== null) controller?.abort(new Error(`exchange ended: ${broken.why}`));
    };
    const watchdog = startWatchdog(options, { received: () => body.size(), stop: (why) => end({ why }) });
    if (options.signal.aborted) return end({ why: "aborted" });

    const handler: Dispatcher.DispatchHandler = {
      // undici calls this on a connected socket, right before it writes the request line: nothing was sent before.
      // A second start would be a retry by undici; a paid request must not be retried here.
      onRequestStart(started) {
        if (ended || seen.sent) return started.abort(new Error("exchange is not repeated"));
        seen.sent = true;
        controller = started;
      },
      onResponseStart(started, status, headers) {
        if (status < 200) return;
        seen.status = status;
        seen.headers = headers;
        const maxBytes = options.maxBytes(status);
        const length = Number(headers["content-length"] ?? Number.NaN);
        if (length > maxBytes) return end({ why: "too_large" });
        const go = () => {
          if (length > 0) body.expect(length);
        };
        const { admit } = options;
        if (admit === undefined || maxBytes === 0) return go();
        started.pause();
        watchdog.pause();
        const admitted = admit(Number.isNaN(length) ? maxBytes : length).then(() => {
          if (ended) return;
          go();
          watchdog.resume();
          started.resume();
        });
        admitted.catch((cause: unknown) => end({ why: "refused", cause }));
      },
      onResponseData(_, chunk) {
        if (ended) return;
        if (body.size() + chunk.length > options.maxBytes(seen.status ?? 0)) return end({ why: "too_large" });
        body.add(chunk);
      },
      onResponseEnd: () => end(null),
      onResponseError: (_, cause) => end({ why: "network", cause }),
    };
    try {
      const { url, method, headers } = options;
      dispatcher.dispatch(
        { origin: url.origin, path: url.pathname + url.search, method, headers, body: options.body ?? null },
        handler,
      );
    } catch (cause) {
      end({ why: "network", cause });
    }
  });
}

// a body of known length is written to its final buffer: joining chunks at the end would need twice the memory
function createBody() {
  let chunks: Buffer[] = [];
  let buffer: Buffer | undefined;
  let bytes = 0;
  return {
    size: () => bytes,
    expect(length: number) {
      buffer = Buffer.allocUnsafeSlow(length);
      Buffer.concat(chunks, bytes).copy(buffer);
    },
    add(chunk: Buffer) {
      if (buffer === undefined) chunks.push(chunk);
      else chunk.copy(buffer, bytes);
      bytes += chunk.length;
    },
    take() {
      const taken = buffer?.subarray(0, bytes) ?? Buffer.concat(chunks, bytes);
      chunks = [];
      buffer = undefined;
      return taken;
    },
  };
}

interface Watchdog {
  /** Stops measuring the pace while the response is paused on our side. */
  pause(): void;
  /** Starts a new window. */
  resume(): void;
  stop(): void;
}

/** Timer, pace and signal in one place. No AbortSignal.any: it holds on to long-lived signals. */
function startWatchdog(options: ExchangeOptions, on: { received: () => number; stop: (why: Break) => void }): Watchdog {
  const { signal, timeoutMs, pace } = options;
  const aborted = () => on.stop("aborted");
  signal.addEventListener("abort", aborted, { once: true });
  const timer = setTimeout(() => on.stop("timed_out"), timeoutMs);
  let before = 0;
  let paused = false;
  const pacer = setInterval(
    () => {
      if (pace === undefined || paused) return;
      const received = on.received() - before;
      before += received;
      if (received * 1000 < pace.minBytesPerSecond * pace.windowMs) on.stop("too_slow");
    },
    pace?.windowMs ?? 2 ** 31 - 1,
  );
  return {
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      pacer.refresh();
    },
    stop: () => {
      signal.removeEventListener("abort", aborted);
      clearTimeout(timer);
      clearInterval(pacer);
    },
  };
}
