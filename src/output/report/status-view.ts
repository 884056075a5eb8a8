// What is going on, as `status --json`, GET /v1/status and the client show it. Types only.
import type { Call, RequestState } from "../../domain/records.ts";

/** Jobs of a queue by state. */
export interface QueueView {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

/** A worker process: one that is alive, or one that ended without stopping and whose jobs nobody has taken over yet. */
export interface WorkerView {
  id: string;
  /** The name of its host. */
  host: string;
  /** The version of the program; empty where it did not say. */
  version: string;
  /** Its last sign of life, ISO 8601. */
  last_seen: string | null;
  alive: boolean;
  /** Jobs it holds now; null when Redis cannot be reached. */
  generate: number | null;
  archive: number | null;
  /** Jobs it takes at the same time at most. */
  concurrency: { generate: number; archive: number };
}

/** Why calls are held back, and how fast they may go. */
export interface GateView {
  /** Null when they are not held. */
  reason: string | null;
  code: string | null;
  /** ms since 1970. */
  until: number | null;
  /** Calls per second that are let through; null when nothing limits them. */
  pace: number | null;
  /** Why the store cannot be written, as the last worker that tried has found; null when no trouble is known. */
  store: { code: string; message: string } | null;
}

/** Whether the store takes what is archived, as far as the workers have found out. */
export interface StoreView {
  ok: boolean;
  /** Why it cannot be written; calls are held until it can. */
  error: { code: string; message: string } | null;
}

export interface StatusView {
  /** Null when Redis cannot be reached; so are `archive`, `gate` and `store`. */
  generate: QueueView | null;
  archive: QueueView | null;
  gate: GateView | null;
  store: StoreView | null;
  workers: WorkerView[];
  /** The last sign of life of any worker, ISO 8601; null where none was ever seen. */
  last_worker_seen: string | null;
  requests: Record<RequestState, number>;
  calls: Record<Call["state"], number>;
  /** Seconds until the first URL of an image that is not archived yet dies; null when there is none. */
  seconds_to_nearest_loss: number | null;
}

/** One reason why a request waits. */
export interface WaitReason {
  code: "no_worker" | "redis_unreachable" | "calls_held" | "batch_held" | "retrying" | "backlog" | "queued" | "in_hand";
  message: string;
  /** When it is tried again, ISO 8601; null where nobody knows. */
  next_try_at: string | null;
}
