// `retry --batch` and `cancel --batch`: what a person decides about all items of a batch.
import type { App } from "../../app/app.ts";
import { cancelBatch } from "../../batches/run/cancel.ts";
import { redriveBatch } from "../../batches/run/redrive.ts";
import { RejectedError } from "../../domain/errors.ts";
import { EXIT, printJson, writeOutput } from "../io.ts";
import { noSuchBatch } from "./follow.ts";

/** The flags of `retry --batch`. */
export interface RetryBatchFlags {
  failed?: boolean;
  parked?: boolean;
  json?: boolean;
}

/** Brings the failed or parked items of a batch back. Both have to be named: what is parked may have been paid already. */
export async function runRetryBatch(app: App, batchId: string, flags: RetryBatchFlags): Promise<number> {
  const states = (["failed", "parked"] as const).filter((state) => flags[state]);
  if (states.length === 0) {
    throw new RejectedError("retry --batch: wanted --failed, --parked or both", { code: "invalid_request" });
  }
  if (app.catalog().batches.find(batchId) === undefined) return noSuchBatch(batchId);
  const { items, pays } = await redriveBatch(app, batchId, states);
  if (flags.json) printJson({ batch: batchId, retried: items, pays });
  else writeOutput(`${batchId}: ${items} items are tried again, ${pays} of them are called for`);
  return EXIT.done;
}

/** Cancels a batch: what is paid for is finished and archived. */
export async function runCancelBatch(
  app: App,
  batchId: string,
  { json = false }: { json?: boolean | undefined },
): Promise<number> {
  if (app.catalog().batches.find(batchId) === undefined) return noSuchBatch(batchId);
  const { cancelled, items } = await cancelBatch(app, batchId);
  if (json) printJson({ batch: batchId, cancelled, items });
  else
    writeOutput(
      `${batchId}: ${cancelled ? "cancelled" : "had ended or was cancelled already"}, ${items} items were let go`,
    );
  return EXIT.done;
}

/** A command about requests was given ids, or else is told what it wanted. */
export function requireTarget(command: string, ids: readonly string[]): void {
  if (ids.length > 0) return;
  throw new RejectedError(`${command}: wanted a request id, or --batch <id>`, { code: "invalid_request" });
}
