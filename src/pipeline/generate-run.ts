// The value that the generate steps share: the job, the ports, and the results so far. Types only.
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

/** A job as the queue delivers it. */
export interface Delivery {
  jobId: string;
  addedAtMs: number;
  data: unknown;
  /** The bytes of the data as the producer sent them; undefined if the queue no longer has them. */
  readRaw(): Promise<Uint8Array | undefined>;
  /** Aborted when this process starts to stop: no new call is made. */
  stopping: AbortSignal;
  /** Aborted when calls in flight must be abandoned too, although they are paid. */
  signal: AbortSignal;
}

export interface GenerateResult {
  request_id: string;
  state: RequestDetail["request"]["state"];
  /** Why the job is finished although the request is not. */
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
