// The first step of generation: the data of a job becomes a recorded request, or a recorded fault.
import { decodeText } from "../domain/decode-text.ts";
import { RejectedError, toMessage } from "../domain/errors.ts";
import { toRecordable } from "../domain/request/bounded-json.ts";
import { mayBeAltered } from "../domain/request/json-safety.ts";
import { parseJsonText } from "../domain/request/json-text.ts";
import { REQUEST_ID_PATTERN, requestIdOfJob } from "../domain/request/request-id.ts";
import { invalidRequest, parseSubmission, requireExact, toRequest } from "../domain/request/submission.ts";
import type { Delivery, GenerateResult, GenerateRun } from "./generate-run.ts";
import type { Outcome } from "./verdict.ts";

/** Sets `requestId` and `detail`. Invalid data becomes a failed request whose error names every fault. */
export async function acceptDelivery(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const { delivery } = run;
  run.requestId = requestedId(delivery) ?? idFromJob(delivery);
  const known = isReference(delivery.data) ? await run.catalog.find(run.requestId) : undefined;
  if (known !== undefined) {
    run.detail = known;
    return undefined;
  }
  try {
    const submission = parseSubmission(await requireAsSent(delivery));
    const request = toRequest(submission, { requestId: run.requestId, random: run.random });
    run.detail = await run.catalog.accept(request, { jobId: delivery.jobId });
    return undefined;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return recordFault(run, error);
  }
}

/**
 * The data of a job as it was sent. The queue's client silently replaces bytes that are not UTF-8 and rounds large numbers. If
 * its result may have been altered, the raw bytes are parsed instead. Throws RejectedError `invalid_request`.
 */
async function requireAsSent({ data, readRaw }: Delivery): Promise<unknown> {
  if (!mayBeAltered(data)) return data;
  const raw = await readRaw();
  if (raw === undefined) return data;
  return requireExact(parseJsonText(decodeJob(raw)));
}

function decodeJob(raw: Uint8Array): string {
  try {
    return decodeText(raw);
  } catch (error) {
    throw invalidRequest([{ field: "(data)", message: toMessage(error) }]);
  }
}

async function recordFault(run: GenerateRun, error: RejectedError): Promise<Outcome<GenerateResult>> {
  const { delivery } = run;
  // if another request has this id, the fault is recorded under an id derived from the job
  const holder = (await run.catalog.find(run.requestId))?.request;
  const isThisFault = holder?.recipe === null && holder.job_id === delivery.jobId;
  if (holder !== undefined && !isThisFault) run.requestId = idFromJob(delivery);
  const { code, message } = error;
  await run.catalog.acceptFault({
    requestId: run.requestId,
    jobId: delivery.jobId,
    collection: collectionOf(delivery.data),
    // bounded in depth and size: cloning it for the recording thread recurses
    submitted: toRecordable(delivery.data),
    error: { code, message },
  });
  run.log.warn({ request_id: run.requestId, job_id: delivery.jobId, code }, message);
  return { kind: "rejected", error };
}

// our own producers commit the request first and then send only its id
function isReference(data: unknown): boolean {
  return typeof data === "object" && data !== null && Object.keys(data).length === 1 && "request_id" in data;
}

function requestedId(delivery: Delivery): string | undefined {
  const id = (delivery.data as { request_id?: unknown } | null | undefined)?.request_id;
  return typeof id === "string" && REQUEST_ID_PATTERN.test(id) ? id : undefined;
}

function idFromJob(delivery: Delivery): string {
  return requestIdOfJob(delivery.jobId, delivery.addedAtMs);
}

function collectionOf(data: unknown): string {
  const named = (data as { collection?: unknown } | null | undefined)?.collection;
  return typeof named === "string" && named.length > 0 && named.length <= 100 ? named.toWellFormed() : "default";
}
