// Errors on their way between threads: our classes lose theirs in a structured clone.
import {
  ArchiverError,
  ConfigError,
  type Fault,
  RejectedError,
  TransientError,
  toMessage,
} from "../../domain/errors.ts";

export interface PlainError {
  kind: "rejected" | "config" | "transient" | "other";
  code: string;
  message: string;
  faults: readonly Fault[];
}

export function toPlain(thrown: unknown): PlainError {
  const code = thrown instanceof ArchiverError ? thrown.code : "internal_error";
  const faults = thrown instanceof RejectedError || thrown instanceof ConfigError ? thrown.faults : [];
  return { kind: kindOf(thrown), code, message: toMessage(thrown), faults };
}

function kindOf(thrown: unknown): PlainError["kind"] {
  if (thrown instanceof RejectedError) return "rejected";
  if (thrown instanceof ConfigError) return "config";
  return thrown instanceof TransientError ? "transient" : "other";
}

/** The error as it was, but for its stack and its cause. */
export function fromPlain({ kind, code, message, faults }: PlainError): Error {
  switch (kind) {
    case "rejected":
      return new RejectedError(message, { code, faults });
    case "config":
      return new ConfigError(message, { code, faults });
    case "transient":
      return new TransientError(message, { code });
    case "other":
      return new Error(message);
  }
}
