// Where the commands about single requests turn to: the catalog and the queues of this machine, or a server by HTTP.
// One face for both, so that a command never knows which it is. Types only.

import type { CancelResult, RereadResult, RetryResult } from "../app/request-actions.ts";
import type { RetryFilter, RetryManyResult } from "../app/retry-many.ts";
import type { Status } from "../app/status.ts";
import type { RequestView } from "../client.ts";
import type { WaitReason } from "../output/report/status-view.ts";

export interface Backend {
  enqueue(data: unknown): Promise<RequestView>;
  /** Undefined where there is no such request; so are the others. */
  find(requestId: string): Promise<RequestView | undefined>;
  /** Resolves when it has ended or is parked; undefined also when the signal came first. */
  wait(requestId: string, signal: AbortSignal): Promise<RequestView | undefined>;
  retry(requestId: string): Promise<RetryResult | undefined>;
  /** Reads kept answers again, at no cost. */
  reread(requestId: string): Promise<RereadResult | undefined>;
  /** Brings back all that a filter finds, or says what that would be. */
  retryMany(filter: RetryFilter, options: { dryRun: boolean }): Promise<RetryManyResult>;
  cancel(requestId: string): Promise<CancelResult | undefined>;
  overview(): Promise<Status>;
  /** Why a request has not ended yet. */
  explain(requestId: string): Promise<WaitReason[]>;
  /** Where a person can open an archived image. */
  locate(asset: { key: string; digest: string; url?: string | null }): string;
}
