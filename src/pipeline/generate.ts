// The first stage: a job of queue "generate" becomes a recorded answer of the image API, paid at most once.
// The order of the steps guarantees this: the paid call happens between the row that reserves it and the row that records it.
import { levelOf, toMessage } from "../domain/errors.ts";
import { answerFileName } from "../domain/keys.ts";
import type { Recipe } from "../domain/request/recipe.ts";
import { acceptDelivery } from "./accept.ts";
import { toAnswerRecord } from "./answer-record.ts";
import { backlogDelayMs } from "./backoff.ts";
import type { Delivery, GeneratePorts, GenerateResult, GenerateRun, GenerateSettings } from "./generate-run.ts";
import { missingIndexes, nextCall } from "./missing.ts";
import type { CallFailure, CallResult } from "./ports.ts";
import { retryUntilPersisted } from "./retry-until-persisted.ts";
import { runSteps, type Step } from "./steps.ts";
import {
  applyError,
  applyVerdict,
  archiveJobOf,
  handOver,
  releaseHeldJob,
  terminalOutcome,
  waitForFleet,
  waitForRequest,
} from "./transitions.ts";
import { type Outcome, verdictOfCall } from "./verdict.ts";

type GenerateStep = Step<GenerateRun, GenerateResult>;

/** The steps, in order. Each name is a point from which a killed process resumes. */
export const GENERATE_STEPS: readonly GenerateStep[] = [
  { name: "accept", do: acceptDelivery },
  { name: "recover", do: recover },
  { name: "reuse", do: reuse },
  { name: "hold", do: hold },
  { name: "permit", do: acquirePermit },
  { name: "reserve", do: reserve },
  { name: "call", do: call },
  { name: "record_answer", do: recordAnswer },
  { name: "hand_over", do: handOver },
];

/** Runs one delivery through all steps. Never throws: every result is an outcome. */
export async function generate(
  delivery: Delivery,
  { ports, settings }: { ports: GeneratePorts; settings: GenerateSettings },
): Promise<Outcome<GenerateResult>> {
  const run = { ...ports, settings, delivery, requestId: "" } as GenerateRun;
  try {
    return await runSteps(GENERATE_STEPS, run);
  } catch (error) {
    return applyError(run, error);
  }
}

// Judges a call of unknown outcome again: its worker may have died before it knew the outcome or recorded the verdict. The
// policy for unknown calls decides whether to call again. A request that an operator retried has no attempts spent.
async function recover(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const { state } = run.detail.request;
  if (state === "copying") return handOver(run);
  if (state !== "queued" && state !== "generating") return terminalOutcome(run);
  if (run.detail.calls.some((one) => one.state === "sent")) {
    run.detail = (await run.catalog.settleDeadCalls(run.requestId)) ?? run.detail;
  }
  const last = run.detail.calls.at(-1);
  if (last?.state === "sent") return waitForRequest("A call of this request is in flight on another worker", 5_000);
  const { request } = run.detail;
  if (request.state !== "generating" || request.attempt === 0 || last?.state !== "unknown") return undefined;
  const reason = last.error ?? { code: "unknown", message: "The outcome of the last call is unknown" };
  const failure = {
    class: "transient",
    ...reason,
    http_status: null,
    api_request_id: null,
    retry_after_ms: null,
  } as const;
  const verdict = verdictOfCall({ kind: "unknown", failure }, contextOf(run, { spent: true }));
  return verdict.kind === "retry" ? undefined : applyVerdict(run, verdict);
}

async function reuse(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const { request } = run.detail;
  // a drawn seed has no duplicate, and reuse may be off: skip the catalog query
  if (!request.seed_given || !request.reuse) return undefined;
  const reused = await run.catalog.reuse(run.requestId);
  if (reused === undefined) return undefined;
  run.detail = reused;
  run.log.debug({ request_id: run.requestId, reused_from: reused.request.reused_from }, "answered from the catalog");
  return handOver(run);
}

// before the gate, so that a held request does not use up the rate limit
async function hold(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const { n } = nextCall(run.detail, recipeOf(run));
  const held = await run.catalog.holdOf(run.requestId, n);
  return held === undefined ? undefined : releaseHeldJob(run, held);
}

async function acquirePermit(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const { stopping } = run.delivery;
  const images = await run.catalog.countUnarchivedImages();
  const backlogMs = backlogDelayMs({ images, bound: run.settings.maxUnarchivedImages });
  if (backlogMs > 0) await run.clock.sleep(backlogMs, stopping);
  if (stopping.aborted) return waitForRequest(STOPPING, 0);
  const permit = await run.gate.acquire({ signal: stopping });
  if (!permit.admitted)
    return { kind: "wait", scope: "fleet", delayMs: permit.waitMs, error: new Error(permit.reason) };
  if (!stopping.aborted) return undefined;
  await releasePermit(run);
  return waitForRequest(STOPPING, 0);
}

const STOPPING = "This worker is stopping; another one continues";

// an unused permit would block other workers: it may be the only probe of a halted gate
async function releasePermit(run: GenerateRun): Promise<void> {
  await run.gate
    .release()
    .catch((error) => run.log[levelOf(error)]({ error: toMessage(error) }, "cannot release an unused gate permit"));
}

async function reserve(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const reserving = run.catalog.reserveCall(run.requestId, nextCall(run.detail, recipeOf(run)));
  const reserved = await reserving.then(
    ({ kind }) => kind === "reserved",
    // thrown below, after the permit is released
    () => false,
  );
  if (!reserved) await releasePermit(run);
  const reservation = await reserving;
  switch (reservation.kind) {
    case "reserved":
      run.call = reservation.call;
      return undefined;
    case "out":
      return waitForRequest("A call of this request is in flight on another worker", 5_000);
    case "in_flight_elsewhere":
      return waitForRequest(`Request "${reservation.request_id}" is making the same recipe`, 1_000);
    case "backlog":
      return waitForFleet(`${reservation.images} images are waiting to be archived: generation is paused`, 2_000);
    case "held":
      return releaseHeldJob(run, reservation);
    case "settled":
      run.detail = (await run.catalog.find(run.requestId)) ?? run.detail;
      return reservation.state === "copying" ? handOver(run) : terminalOutcome(run);
  }
}

async function call(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  const recipe = { ...recipeOf(run), n: run.call.n, seed: run.call.seed };
  const { response_format } = run.detail.request;
  run.result = await run.api.call({ recipe, response_format }, { signal: run.delivery.signal });
  return run.result.kind === "answered" ? undefined : closeCall(run, run.result);
}

// after the outcome is recorded: Redis may be slow, and a paid answer must not wait for it
async function recordOutcome(run: GenerateRun): Promise<number> {
  try {
    return await run.gate.recordOutcome(toGateResult(run.result));
  } catch (error) {
    run.log.debug(
      { request_id: run.requestId, error: toMessage(error) },
      "cannot report the outcome of a call to the gate",
    );
    return 0;
  }
}

type FailedCall = Exclude<CallResult, { kind: "answered" }>;

/** If the account ran out between two images of one call, all workers must know. */
function toGateResult(result: CallResult): CallResult {
  const refused = result.kind === "answered" ? result.answer.refused : undefined;
  const isAccountWide = refused?.class === "config" || refused?.class === "wait";
  return refused !== undefined && isAccountWide ? { kind: "refused", failure: refused } : result;
}

async function closeCall(run: GenerateRun, result: FailedCall): Promise<Outcome<GenerateResult>> {
  const verdict = verdictOfCall(result, contextOf(run, { unknown: result.kind === "unknown" }));
  const { spend } = verdict;
  const { failure, kind } = result;
  const answerFile = await spoolUnread(run, result);
  await retryUntilPersisted(run, "record the outcome of a call", () =>
    kind === "unsent"
      ? run.catalog.withdrawCall(run.call, { spend })
      : run.catalog.closeCall(run.call, { state: kind, failure, spend, answerFile }),
  );
  const isRetried = verdict.kind === "retry" || verdict.kind === "wait";
  run.log[isRetried ? "debug" : "warn"](
    { request_id: run.requestId, call: run.call.number, code: failure.code, outcome: verdict.kind },
    failure.message,
  );
  const gateDelayMs = await recordOutcome(run);
  const extended =
    verdict.kind === "wait" && verdict.scope === "fleet"
      ? { ...verdict, delayMs: Math.max(gateDelayMs, verdict.delayMs) }
      : verdict;
  return applyVerdict(run, { ...extended, spend: false });
}

// the answer may be paid, and a later version may be able to read it: write it to disk before recording the failure
async function spoolUnread(run: GenerateRun, { unread }: FailedCall): Promise<string | null> {
  if (unread === undefined) return null;
  const name = answerFileName(run.call);
  await retryUntilPersisted(run, "keep an answer that cannot be read", () => run.spool.write(name, unread));
  await run.onStep("spool", run.requestId);
  return name;
}

// From here on the answer is paid: only a crash of this process may keep it from being recorded.
async function recordAnswer(run: GenerateRun): Promise<Outcome<GenerateResult> | undefined> {
  if (run.result.kind !== "answered") throw new Error("Bug: there is no answer to keep");
  const { answer } = run.result;
  const record = toAnswerRecord(run.detail, { call: run.call, answer, urlLifetimeMs: run.settings.urlLifetimeMs });
  for (const { name, bytes } of record.spooled) {
    await retryUntilPersisted(run, "keep the bytes of an answer", () => run.spool.write(name, bytes));
  }
  await run.onStep("spool", run.requestId);
  run.detail = await retryUntilPersisted(run, "record an answer", () => run.catalog.answerCall(run.call, record));
  run.log.debug({ request_id: run.requestId, call: run.call.number, images: record.images.length }, "answered");
  // not awaited: the images must be copied now
  void recordOutcome(run);
  // if the missing images are never requested again, the request continues with those that came
  if (missingIndexes(run.detail).length === 0 || run.detail.request.state === "copying") return undefined;
  // the images that came are paid: copy them while the missing ones are requested again
  if (run.detail.images.length > 0) await run.archiveQueue.add({ ...archiveJobOf(run), purpose: "part" });
  return applyShortAnswer(run, answer.refused);
}

async function applyShortAnswer(run: GenerateRun, refused?: CallFailure): Promise<Outcome<GenerateResult>> {
  const { recipe, attempt } = run.detail.request;
  const shortMessage = `The API returned ${run.detail.images.length} of ${recipe?.n} images; the missing ones are requested again`;
  const message = refused === undefined ? shortMessage : `${shortMessage}. ${refused.message}`;
  const failure = {
    class: refused?.class ?? "transient",
    code: "short_answer",
    message,
    http_status: 200,
    api_request_id: null,
    retry_after_ms: refused?.retry_after_ms ?? null,
  } as const;
  // the attempt was counted when the answer was committed
  const verdict = verdictOfCall({ kind: "refused", failure }, { ...contextOf(run), attempt });
  return applyVerdict(run, { ...verdict, spend: false });
}

function contextOf(run: GenerateRun, options: { unknown?: boolean; spent?: boolean } = {}) {
  const { attempt } = run.detail.request;
  const unknownBefore = run.detail.calls.filter((one) => one.state === "unknown").length;
  return {
    attempt: options.spent ? attempt : attempt + 1,
    attempts: run.settings.attempts,
    unknownCalls: unknownBefore + (options.unknown ? 1 : 0),
    unknownCallPolicy: run.settings.unknownCallPolicy,
    random: run.random,
  };
}

function recipeOf(run: GenerateRun): Recipe {
  const { recipe } = run.detail.request;
  if (recipe === null) throw new Error("Bug: a request without a recipe must be failed already");
  return recipe;
}
