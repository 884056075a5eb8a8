// Whether Redis answers, asked no more often than it must be.
import { setImmediate } from "node:timers/promises";
import type { Redis } from "ioredis";
import { toMessage } from "../domain/errors.ts";

/** An answer of Redis is believed for so long, in ms: those who ask meanwhile are spared a round trip. */
const FRESH_MS = 20;

/** The sign of life of one connection. */
export interface RedisHealth {
  /** Whether Redis answered just now. */
  isRecent(): boolean;
  /** Somebody else was answered. */
  recordReply(): void;
  /** Asks. Rejects where no answer comes. */
  ping(): Promise<void>;
}

/**
 * One ping for all who ask at the same time. A process that is busy for seconds, as with a thousand requests at once, sees
 * its own lateness as Redis's: who seems too late is asked once more, when what has come meanwhile has been read.
 */
export function createRedisHealth(connection: Redis): RedisHealth {
  let pinging: Promise<void> | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  connection.on("close", () => {
    answeredAt = Number.NEGATIVE_INFINITY;
  });
  const recordReply = () => {
    answeredAt = performance.now();
  };
  const ping = async () => {
    await connection.ping();
    recordReply();
  };
  const pingOnce = () => {
    pinging ??= ping()
      .catch(async (error: unknown) => {
        if (!/timed out/.test(toMessage(error))) throw error;
        await setImmediate();
        await ping();
      })
      .finally(() => {
        pinging = undefined;
      });
    return pinging;
  };
  return { isRecent: () => performance.now() - answeredAt < FRESH_MS, recordReply, ping: pingOnce };
}
