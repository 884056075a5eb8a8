// The desk of this machine: the catalog, and the queues beside it.
import type { App } from "../app/app.ts";
import { isForeignInstallation } from "../app/installation.ts";
import { cancel, reread, retry } from "../app/request-actions.ts";
import { retryMany } from "../app/retry-many.ts";
import { getStatus } from "../app/status.ts";
import { submit, waitForEnd } from "../app/submit.ts";
import { explainWait } from "../app/wait-reasons.ts";
import type { RequestDetail } from "../domain/records.ts";
import { toRequestView } from "../output/report/request-view.ts";
import { isUnsuitableRedis } from "../queue/connection.ts";
import type { Backend } from "./backend.ts";
import { writeError } from "./io.ts";

/** Opens nothing by itself: the app does, when something is asked for. */
export function createLocalBackend(app: App): Backend {
  const view = (detail: RequestDetail | undefined) => detail && toRequestView(detail, app.linksAt());
  return {
    enqueue: async (data) => toRequestView(await submit(app, data), app.linksAt()),
    find: async (requestId) => view(await app.catalog().find(requestId)),
    wait: async (requestId, signal) => view(await waitForEnd(app, requestId, signal)),
    retry: (requestId) => retry(app, requestId),
    reread: (requestId) => reread(app, requestId),
    retryMany: (filter, options) => retryMany(app, filter, options),
    cancel: (requestId) => cancel(app, requestId),
    explain: (requestId) => explainWait(app, requestId),
    overview: () => getStatus(app, sayOrThrow),
    locate: ({ key }) => app.store().locate(key),
  };
}

// a Redis that is away leaves half of the answer; one that must not be used is a wrong setting
function sayOrThrow(error: Error): void {
  if (isUnsuitableRedis(error) || isForeignInstallation(error)) throw error;
  writeError(error.message);
}
