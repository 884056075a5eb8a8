// The desk of this machine: the catalog, and the queues beside it.
import type { App } from "../app.ts";
import { cancel, reread, retry } from "../decide.ts";
import { lookAround } from "../overview.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import { isUnsuitableRedis } from "../queue/connection.ts";
import { toRequestView } from "../report/request-view.ts";
import { retryMany } from "../retry-many.ts";
import { submit, waitForEnd } from "../submit.ts";
import { explainWait } from "../wait-reasons.ts";
import type { Desk } from "./desk.ts";
import { say } from "./io.ts";

/** Opens nothing by itself: the app does, when something is asked for. */
export function createLocalDesk(app: App): Desk {
  const view = (detail: RequestDetail | undefined) => detail && toRequestView(detail);
  return {
    enqueue: async (data) => toRequestView(await submit(app, data)),
    find: async (requestId) => view(await app.catalog().find(requestId)),
    wait: async (requestId, signal) => view(await waitForEnd(app, requestId, signal)),
    retry: (requestId) => retry(app, requestId),
    reread: (requestId) => reread(app, requestId),
    retryMany: (filter, options) => retryMany(app, filter, options),
    cancel: (requestId) => cancel(app, requestId),
    explain: (requestId) => explainWait(app, requestId),
    overview: () => lookAround(app, sayOrThrow),
    locate: ({ key }) => app.store().locate(key),
  };
}

// a Redis that is away leaves half of the answer; one that must not be used is a wrong setting
function sayOrThrow(error: Error): void {
  if (isUnsuitableRedis(error)) throw error;
  say(error.message);
}
