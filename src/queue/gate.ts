// The fleet's common sense about the image API, kept in Redis so that all workers share it: a rate limit or a halt that
// one of them meets holds all of them back, and afterwards they go on at the pace that was seen to be allowed.
import type { Redis } from "ioredis";
import type { CallResult, Clock, Gate } from "../pipeline/ports.ts";
import { reached } from "./connection.ts";
import { ADMIT_SCRIPT, REPORT_SCRIPT } from "./gate-scripts.ts";

export interface GateOptions {
  redis: Redis;
  redisUrl: string;
  prefix: string;
  clock: Clock;
  /** At most so many calls in so many ms, over all workers together. */
  rateLimit?: { max: number; durationMs: number } | undefined;
  /** A call's whole time, in ms: so long a probe may take before another worker probes. */
  callTimeoutMs: number;
}

/** What the gate knows, for people who ask why nothing moves. */
export interface GateState {
  /** Why calls are held back; null when they are not. */
  reason: string | null;
  code: string | null;
  /** ms since 1970. */
  until: number | null;
  /** Calls per second that are let through; null when nothing limits them. */
  pace: number | null;
}

export interface OpenGate extends Gate {
  state(): Promise<GateState>;
  /** Lets the next call try at once: an operator who restarts a worker has probably mended something. */
  reopen(): Promise<void>;
}

/** A call waits in hand for its slot up to so long; for longer its job goes back, so that the lock is not kept for nothing. */
const INLINE_WAIT_MS = 2_000;

/** A halted fleet tries again after this long; a wrong key is not charged, so one call now and then costs nothing. */
const HALT_MS = 15_000;
/** An API that cannot be reached is looked for more often: such tries do not even count as calls. */
const UNREACHABLE_MS = 3_000;

export function createGate(options: GateOptions): OpenGate {
  const { redis, clock } = options;
  const key = `${options.prefix}:gate`;
  const spacingMs = options.rateLimit === undefined ? 0 : options.rateLimit.durationMs / options.rateLimit.max;

  async function admit({ signal }: { signal: AbortSignal }) {
    const args = [spacingMs, INLINE_WAIT_MS, options.callTimeoutMs + 10_000];
    const answer = await reached(options.redisUrl, () => redis.eval(ADMIT_SCRIPT, 1, key, ...args));
    const [admitted, waitMs, reason] = answer as [number, number, string];
    if (admitted === 0) return { admitted: false as const, waitMs, reason };
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    return { admitted: true as const };
  }

  async function report(result: CallResult): Promise<number> {
    const { event, ms, code, message } = toEvent(result);
    return (await redis.eval(REPORT_SCRIPT, 1, key, event, ms, code, message)) as number;
  }

  async function state(): Promise<GateState> {
    const fields = await redis.hgetall(key);
    const until = Number(fields.until ?? 0);
    const held = fields.halted === "1" || until > clock.now();
    const spacing = Math.max(Number(fields.spacing ?? 0), spacingMs);
    return {
      reason: held ? (fields.reason ?? null) : null,
      code: held ? (fields.code ?? null) : null,
      until: held ? until : null,
      pace: spacing > 0 ? Math.round(100_000 / spacing) / 100 : null,
    };
  }

  return { admit, report, state, reopen: async () => void (await redis.hdel(key, "until", "probe")) };
}

interface Event {
  event: "ok" | "limited" | "halted" | "other";
  ms: number;
  code: string;
  message: string;
}

/** What a call's end means for everybody: -1 ms where the other side did not name a time. */
function toEvent(result: CallResult): Event {
  if (result.kind === "answered") return { event: "ok", ms: 0, code: "", message: "" };
  const { failure, kind } = result;
  const { code, message } = failure;
  if (kind === "unsent") return { event: "halted", ms: UNREACHABLE_MS, code, message };
  if (kind === "unknown") return { event: "other", ms: 0, code, message };
  if (failure.class === "config") return { event: "halted", ms: failure.retry_after_ms ?? HALT_MS, code, message };
  if (failure.class === "wait") return { event: "limited", ms: failure.retry_after_ms ?? -1, code, message };
  return { event: "other", ms: 0, code, message };
}
