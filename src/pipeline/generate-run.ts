// The value that the steps of generation work on: the job, the ports, and what has been learnt so far. Types only.

import type { Call, HoldReason, RequestDetail } from "../domain/records.ts";
import type {
  ArchiveQueue,
  CallResult,
  Catalog,
  Clock,
  Gate,
  ImageApi,
  Log,
  Notifier,
  OnStep,
  Spool,
} from "./ports.ts";

export interface GeneratePorts {
  catalog: Catalog;
  api: ImageApi;
  gate: Gate;
  spool: Spool;
  archiveQueue: ArchiveQueue;
  notifier: Notifier;
  clock: Clock;
  random: () => number;
  log: Log;
  onStep: OnStep;
}

export interface GenerateSettings {
  attempts: number;
  unknownCallPolicy: "retry" | "park";
  urlLifetimeMs: number;
  maxUnarchivedImages: number;
}

/** A job as it came out of the queue. */
export interface Delivery {
  jobId: string;
  addedAtMs: number;
  data: unknown;
  /** The bytes of the data as its producer sent them; undefined where the queue has them no more. */
  readRaw(): Promise<Uint8Array | undefined>;
  /** Aborted when this process wants to stop: no new call is begun. */
  stopping: AbortSignal;
  /** Aborted when even a paid call must be given up. */
  signal: AbortSignal;
}

export interface GenerateResult {
  request_id: string;
  state: RequestDetail["request"]["state"];
  /** Why the job ended although the request has not. */
  held?: HoldReason;
}

export interface GenerateRun extends GeneratePorts {
  settings: GenerateSettings;
  delivery: Delivery;
  requestId: string;
  detail: RequestDetail;
  call: Call;
  result: CallResult;
}
