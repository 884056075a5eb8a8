// Whether Redis answers, asked no more often than it must be.
import { setImmediate } from "node:timers/promises";
import type { Redis } from "ioredis";
import { toMessage } from "../errors.ts";

/** An answer of Redis is believed for so long, in ms: those who ask meanwhile are spared a round trip. */
const BELIEVED_MS = 20;

/** The sign of life of one connection. */
export interface Pulse {
  /** Whether Redis answered just now. */
  isFresh(): boolean;
  /** Somebody else was answered. */
  felt(): void;
  /** Asks. Rejects where no answer comes. */
  feel(): Promise<void>;
}

/**
 * One ping for all who ask at the same time. A process that is busy for seconds, as with a thousand requests at once, sees
 * its own lateness as Redis's: who seems too late is asked once more, when what has come meanwhile has been read.
 */
export function createPulse(connection: Redis): Pulse {
  let pinging: Promise<void> | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  connection.on("close", () => {
    answeredAt = Number.NEGATIVE_INFINITY;
  });
  const felt = () => {
    answeredAt = performance.now();
  };
  const ping = async () => {
    await connection.ping();
    felt();
  };
  const feel = () => {
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
  return { isFresh: () => performance.now() - answeredAt < BELIEVED_MS, felt, feel };
}
