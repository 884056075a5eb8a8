// The same jobs for ours and for the baseline: any BullMQ producer, thousands of prompts. And the same stretch that is timed:
// a queue that stands full and is let go, after the process has warmed up on others.
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { ownCost } from "../cost.ts";

export interface Filler {
  fill(count: number): Promise<void>;
  /** Nothing is taken from the queue until `release`; what is in hand goes on. */
  hold(): Promise<void>;
  release(): Promise<void>;
  close(): Promise<void>;
}

export function openFiller({ redisUrl, prefix }: { redisUrl: string; prefix: string }): Filler {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("generate", { connection, prefix });
  let made = 0;
  return {
    fill: async (count) => {
      for (let left = count; left > 0; left -= 1_000) {
        const jobs = Array.from({ length: Math.min(1_000, left) }, () => toJob(++made));
        await queue.addBulk(jobs);
      }
    },
    hold: () => queue.pause(),
    release: () => queue.resume(),
    close: async () => {
      await queue.close();
      await connection.quit();
    },
  };
}

function toJob(number: number) {
  return { name: "generate", data: { prompt: `picture ${number}` } };
}

/** Counts what is done, for whoever waits until so many are. */
export function createTally(): { done(): void; count(): number; reaches(count: number): Promise<void> } {
  let count = 0;
  let waiting: { at: number; resolve: () => void } | undefined;
  return {
    done: () => {
      count += 1;
      if (waiting !== undefined && count >= waiting.at) waiting.resolve();
    },
    count: () => count,
    reaches: async (at) => {
      if (count >= at) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = { at, resolve };
      await promise;
    },
  };
}

/**
 * Requests per second over `count` of them, from a full queue to the last one done, and the CPU seconds of that stretch.
 * What goes before warms up: a worker runs for weeks, and its start has a row of its own.
 */
export async function measureRate(
  { filler, tally }: { filler: Filler; tally: ReturnType<typeof createTally> },
  { warmUp, count }: { warmUp: number; count: number },
): Promise<{ value: number; cpuSeconds: number }> {
  await filler.fill(warmUp);
  await tally.reaches(warmUp);
  await filler.hold();
  await filler.fill(count);
  const before = ownCost().cpuSeconds;
  const begun = performance.now();
  await filler.release();
  await tally.reaches(warmUp + count);
  const value = (count * 1000) / (performance.now() - begun);
  return { value, cpuSeconds: ownCost().cpuSeconds - before };
}
