// The fleet's common sense about the image API, kept in Redis so that all workers share it: a rate limit or a halt that
// one of them meets holds all of them back, and afterwards they go on at the pace that was seen to be allowed.
import type { Redis } from "ioredis";
import type { CallResult, Clock, Gate } from "../pipeline/ports.ts";
import type { StoreError, StoreHold } from "../pipeline/store-guard.ts";
import { ABORTED, isUnreadable } from "../pipeline/verdict.ts";
import { reached } from "./connection.ts";
import {
  ACQUIRE_SCRIPT,
  CONFIRM_SCRIPT,
  HOLD_STORE_SCRIPT,
  RECORD_OUTCOME_SCRIPT,
  RELEASE_SCRIPT,
} from "./gate-scripts.ts";
import { runScript } from "./script.ts";

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
  /** Why the store cannot be written, as the last worker that tried has found; null when no trouble is known. */
  store: StoreError | null;
}

export interface OpenGate extends Gate, StoreHold {
  state(): Promise<GateState>;
  /** Lets the next call try at once: an operator who restarts a worker has probably mended something. */
  reset(): Promise<void>;
}

/** A call waits in hand for its slot up to so long; for longer its job goes back, so that the lock is not kept for nothing. */
const INLINE_WAIT_MS = 2_000;

/** A halted fleet tries again after this long; a wrong key is not charged, so one call now and then costs nothing. */
const HALT_MS = 15_000;
/** What is to be done when nothing that comes can be read. */
const UNREAD_HINT =
  "calls are held: check IMAGE_API_BASE_URL, see `ledger --unknown`, and `retry` a request to try one";
/** An API that cannot be reached is looked for more often: such tries do not even count as calls. */
const UNREACHABLE_MS = 3_000;

export function createGate(options: GateOptions): OpenGate {
  const { redis, clock } = options;
  const key = `${options.prefix}:gate`;
  const keys = [key];
  const { spacingMs, latenessMs } = toSpacing(options.rateLimit);
  const run = (script: string, args: (string | number)[] = []) =>
    reached(options.redisUrl, () => runScript(redis, { script, keys, args }));

  async function acquire({ signal }: { signal: AbortSignal }): Promise<Leave> {
    for (;;) {
      const answer = await run(ACQUIRE_SCRIPT, [spacingMs, INLINE_WAIT_MS, options.callTimeoutMs + 10_000]);
      const [admitted, waitMs, reason, epoch, slot] = answer as [number, number, string, string, number];
      if (admitted === 0)
        return { admitted: false, waitMs, reason, ...((slot as unknown) === "store" && { held: "store" as const }) };
      if (waitMs === 0) return { admitted: true };
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return { admitted: false, waitMs: 0, reason: "this worker is stopping" };
      // a limit or a halt that somebody met meanwhile makes the slot void: this call would be in vain
      if ((await run(CONFIRM_SCRIPT, [epoch, slot, latenessMs])) === 1) return { admitted: true };
    }
  }

  async function recordOutcome(result: CallResult): Promise<number> {
    const { event, ms, code, message } = toEvent(result);
    return (await run(RECORD_OUTCOME_SCRIPT, [event, ms, code, message])) as number;
  }

  async function state(): Promise<GateState> {
    const fields = await reached(options.redisUrl, () => redis.hgetall(key));
    const store = toStoreError(fields, clock.now());
    const until = Math.max(Number(fields.until ?? 0), store === null ? 0 : Number(fields.store_until));
    const held = fields.halted === "1" || until > clock.now();
    const spacing = Math.max(Number(fields.spacing ?? 0), spacingMs);
    return {
      ...reasonOf(fields, { held, store }),
      until: held ? until : null,
      pace: spacing > 0 ? Math.round(100_000 / spacing) / 100 : null,
      store,
    };
  }

  async function reset(): Promise<void> {
    // a rate limit is no matter of the operator's: it is waited for
    await reached(options.redisUrl, async () => {
      if ((await redis.hget(key, "halted")) === "1") await redis.hdel(key, "until", "probe");
    });
  }

  return {
    acquire,
    release: async () => void (await run(RELEASE_SCRIPT)),
    recordOutcome,
    state,
    reset,
    holdStore: async ({ code, message }, ms) => void (await run(HOLD_STORE_SCRIPT, [ms, code, message])),
    releaseStore: () => reached(options.redisUrl, async () => void (await redis.hdel(key, ...STORE_FIELDS))),
  };
}

function toStoreError(fields: Record<string, string>, now: number): StoreError | null {
  if (Number(fields.store_until ?? 0) <= now) return null;
  return { code: fields.store_code ?? "store_failed", message: fields.store_reason ?? "" };
}

function reasonOf(
  fields: Record<string, string>,
  { held, store }: { held: boolean; store: StoreError | null },
): Pick<GateState, "reason" | "code"> {
  if (store !== null) return { reason: store.message, code: store.code };
  return held ? { reason: fields.reason ?? null, code: fields.code ?? null } : { reason: null, code: null };
}

const STORE_FIELDS = ["store_until", "store_code", "store_reason"] as const;

type Leave = Awaited<ReturnType<Gate["acquire"]>>;

/** Slots are even, but calls start some time after theirs: so much less than the limit keeps every window below it. */
const LATENESS_SHARE = 0.05;
const LATENESS_MAX_MS = 1_000;

/** The distance of slots under a configured limit, and how late a call may be for its own; -1: nothing is configured. */
function toSpacing(rateLimit: GateOptions["rateLimit"]): { spacingMs: number; latenessMs: number } {
  if (rateLimit === undefined) return { spacingMs: 0, latenessMs: -1 };
  const { max, durationMs } = rateLimit;
  const latenessMs = Math.min(durationMs * LATENESS_SHARE, LATENESS_MAX_MS);
  return { spacingMs: (durationMs + latenessMs) / max, latenessMs: Math.ceil(latenessMs) };
}

interface Event {
  event: "ok" | "limited" | "halted" | "unread" | "other" | "none";
  ms: number;
  code: string;
  message: string;
}

/** What a call's end means for everybody: -1 ms where the other side did not name a time. */
function toEvent(result: CallResult): Event {
  if (result.kind === "answered") return { event: "ok", ms: 0, code: "", message: "" };
  const { failure, kind } = result;
  const { code, message } = failure;
  // it may have been paid, and so may be the next one
  if (isUnreadable(failure)) return { event: "unread", ms: HALT_MS, code, message: `${message}; ${UNREAD_HINT}` };
  // what our own signal ended, and what nobody knows the end of, says nothing about the API
  if (kind === "unknown" || code === ABORTED) return { event: "none", ms: 0, code, message };
  if (kind === "unsent") return { event: "halted", ms: UNREACHABLE_MS, code, message };
  if (failure.class === "config") return { event: "halted", ms: failure.retry_after_ms ?? HALT_MS, code, message };
  if (failure.class === "wait") return { event: "limited", ms: failure.retry_after_ms ?? -1, code, message };
  return { event: "other", ms: 0, code, message };
}
