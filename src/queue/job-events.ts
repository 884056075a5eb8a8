// News from the queues that a job has ended: a hint to look, never the proof. What happens before the connection is
// ready is not heard, and a malformed event may silence it for good, so whoever waits looks by itself as well.
import { EventEmitter, once } from "node:events";
import { QueueEvents } from "bullmq";
import { closeAll, closeTogether } from "../domain/close-all.ts";
import { createWorkerConnection } from "./connection.ts";
import { ARCHIVE_QUEUE, GENERATE_QUEUE } from "./queues.ts";

export interface JobEvents {
  /** Resolves at the next news of this job, after `timeoutMs`, or when the signal is aborted; never rejects. */
  next(jobId: string, options: { timeoutMs: number; signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

/** Listens to both queues. Connects by itself, and again after every outage. */
export function subscribeJobEvents({ redisUrl, prefix }: { redisUrl: string; prefix: string }): JobEvents {
  const news = new EventEmitter();
  news.setMaxListeners(0);
  const listeners = [GENERATE_QUEUE, ARCHIVE_QUEUE].map((name) => listen(name, { redisUrl, prefix, news }));
  return {
    async next(jobId, { timeoutMs, signal }) {
      const enough = new AbortController();
      const stop = () => enough.abort();
      const timer = setTimeout(stop, timeoutMs);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      await once(news, eventOf(jobId), { signal: enough.signal }).catch(() => undefined);
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    },
    close: () => closeTogether(listeners.map((listener) => listener.close)),
  };
}

// whatever a job is called, "error" among them, which an emitter throws where nobody listens
function eventOf(jobId: string): string {
  return `job ${jobId}`;
}

function listen(name: string, options: { redisUrl: string; prefix: string; news: EventEmitter }) {
  const connection = createWorkerConnection(options.redisUrl);
  connection.on("error", () => undefined);
  const events = new QueueEvents(name, { connection, prefix: options.prefix });
  const tell = ({ jobId }: { jobId: string }) => void options.news.emit(eventOf(jobId));
  events.on("completed", tell).on("failed", tell);
  events.on("error", () => undefined);
  return {
    close: () => closeAll([() => events.close(), () => connection.disconnect()]),
  };
}
