// Requests in the states that the commands meet, made through the catalog's own doors. The commands run beside, on the same files.
import { onTestFinished } from "vitest";
import { submit } from "../../src/app/submit.ts";
import type { Call, RequestDetail } from "../../src/domain/records.ts";
import type { SubmissionInput } from "../../src/domain/request/submission-input.ts";
import { startServer } from "../../src/server/server.ts";
import { openWorld, type World } from "../support/world.ts";
import { openPlace, type Place } from "./support.ts";

export interface Desk extends World {
  run: Place["run"];
}

/** A catalog and queues without a worker, and a place whose commands use them. */
export async function openDesk(settings: Record<string, string> = {}): Promise<Desk> {
  const world = await openWorld({ PORT: "0", ...settings });
  const { LOG_LEVEL: _, ...env } = world.env;
  const place = await openPlace(env);
  onTestFinished(() => place.close());
  return { ...world, run: place.run };
}

/** The address of a server over the same catalog and queues. */
export async function serve({ app }: World): Promise<string> {
  const server = await startServer(app);
  onTestFinished(() => server.stop({ graceMs: 0 }));
  return server.url;
}

export async function addRequest(world: World, request: SubmissionInput): Promise<RequestDetail> {
  return submit(world.app, request);
}

/** A call that is out. */
export async function addCall({ app }: World, requestId: string, { n = 1, seed = 7 } = {}): Promise<Call> {
  const reservation = await app.catalog().reserveCall(requestId, { n, seed });
  if (reservation.kind !== "reserved") throw new Error(`no call: ${reservation.kind}`);
  return reservation.call;
}

/** A call that was refused, or whose outcome is unknown. */
export async function addFailedCall(
  world: World,
  requestId: string,
  state: "refused" | "unknown",
  n = 1,
): Promise<void> {
  const call = await addCall(world, requestId, { n });
  const failure = {
    class: "transient",
    code: state === "unknown" ? "call_reset" : "server_error",
    message: `it was ${state}`,
    http_status: null,
    api_request_id: `api-${requestId}`,
    retry_after_ms: null,
  } as const;
  await world.app.catalog().closeCall(call, { state, failure, spend: true });
}

/** An answer whose URL dies at `expiresAt`, after which the copy failed for good. */
export async function addFailedCopy(world: World, requestId: string, expiresAt: number): Promise<void> {
  const catalog = world.app.catalog();
  const call = await addCall(world, requestId);
  const url = "http://127.0.0.1:9/a.png";
  await catalog.answerCall(call, {
    answer: {
      created: Math.floor(Date.now() / 1000),
      images: [{ url }],
      usage: null,
      http_status: 200,
      api_request_id: null,
    },
    images: [{ index: 0, url, spool_file: null, expires_at: expiresAt }],
    expires_at: expiresAt,
    complete: true,
  });
  await catalog.finish(requestId, { state: "failed", error: { code: "url_expired", message: "its URL is dead" } });
}
