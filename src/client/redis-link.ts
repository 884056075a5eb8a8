// The one connection of a client to Redis, with the queues on it. Fails within seconds, and never hangs.
import { closeAll, closeTogether } from "../domain/close-all.ts";
import { ArchiverError, RejectedError } from "../domain/errors.ts";
import { openProducerConnection, toRedisError } from "../queue/connection.ts";
import { type JobEvents, subscribeJobEvents } from "../queue/job-events.ts";
import { createQueues, type Queues } from "../queue/queues.ts";

export interface OpenLink extends Queues {
  /** News of ended jobs, on connections of their own that are opened when they are first asked for. */
  hints(): JobEvents;
}

export interface RedisLink {
  /** Runs `work` on the open link. What it throws comes out as one of our classes. */
  use<T>(work: (link: OpenLink) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** One connection for all, opened when it is first needed, and tried anew after it could not be opened. */
export function createRedisLink(options: { redisUrl: string; prefix: string }): RedisLink {
  let opened: Promise<OpenLink> | undefined;
  let closed = false;
  const closers: (() => Promise<void>)[] = [];

  async function open(): Promise<OpenLink> {
    const connection = await openProducerConnection(options.redisUrl);
    const queues = createQueues({ ...options, connection });
    closers.push(() => closeAll([queues.close, () => connection.disconnect()]));
    let hints: JobEvents | undefined;
    return {
      ...queues,
      hints: () => {
        if (hints !== undefined) return hints;
        const made = subscribeJobEvents(options);
        closers.push(() => made.close());
        hints = made;
        return made;
      },
    };
  }

  function connected(): Promise<OpenLink> {
    if (opened !== undefined) return opened;
    opened = open();
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  }

  return {
    async use<T>(work: (link: OpenLink) => Promise<T>): Promise<T> {
      if (closed) throw new RejectedError("This client is closed", { code: "client_closed" });
      try {
        return await work(await connected());
      } catch (error) {
        throw error instanceof ArchiverError ? error : toRedisError(error, options.redisUrl);
      }
    },
    async close(): Promise<void> {
      closed = true;
      await opened?.catch(() => undefined);
      await closeTogether(closers.splice(0));
    },
  };
}
