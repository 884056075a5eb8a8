// POST /v1/images/generations: reads a call, lets it be decided, makes the answer, and writes the bill.
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { type Admission, type Admissions, countImages } from "./admission.ts";
import type { BillEnd, BillEntry } from "./bill.ts";
import { roll } from "./faults.ts";
import { type Exchange, PROXY_PAGE, readBody, sendJson, sendText } from "./http.ts";
import { type Refusal, toErrorBody } from "./refusal.ts";
import type { Setup } from "./setup.ts";
import { toPicture } from "./subject.ts";
import type { Switches } from "./switches.ts";
import type { SandboxCall } from "./validation.ts";

/** Prompts and negative prompts of any sensible length fit. */
const BODY_MAX_BYTES = 1024 * 1024;

/** Answers one call. Rejects only when the caller goes away before the call was read, or the sandbox closes. */
export async function handleGeneration(exchange: Exchange, setup: Setup, admissions: Admissions): Promise<void> {
  const { req, res } = exchange;
  const entry = setup.bill.receive({
    api_request_id: res.getHeader("x-request-id") as string,
    client_request_id: req.headers["x-request-id"]?.toString().slice(0, 200) ?? null,
  });
  const body = await readBody(req, BODY_MAX_BYTES).catch((error: unknown) => {
    setup.bill.end(entry, { outcome: "refused", code: "incomplete_request" });
    throw error;
  });
  const { authorization } = req.headers;
  const admission = admissions.decide({ number: entry.number, now: setup.now(), authorization, body });
  if (admission.call !== undefined) Object.assign(entry, admission.call);
  if (admission.kind === "refused") await sendRefusal({ ...exchange, setup, entry }, admission);
  else await answer({ ...exchange, setup, entry }, admission);
}

/** A new id for an exchange, as it stands in the header x-request-id and in errors. */
export function createRequestId(): string {
  return `req_${randomUUID().replaceAll("-", "")}`;
}

interface Turn extends Exchange {
  setup: Setup;
  entry: BillEntry;
}

async function sendRefusal(turn: Turn, { refusal, late }: Admission & { kind: "refused" }): Promise<void> {
  const { res, setup, entry } = turn;
  const switches = setup.switches();
  if (late) await waitLatency(turn, switches);
  setup.bill.end(entry, { outcome: "refused", http_status: refusal.status, code: refusal.code });
  setRetryAfter(res, refusal, { form: switches.retryAfter, now: setup.now() });
  const forced = switches.forceStatus === refusal.status ? switches.forceBody : null;
  if (forced === null) sendJson(res, refusal.status, toErrorBody(refusal, entry.api_request_id));
  else
    sendText(res, {
      status: refusal.status,
      type: forced.startsWith("<") ? "text/html" : "application/json",
      text: forced,
    });
}

async function answer(turn: Turn, { call, fault }: Admission & { kind: "admitted" }): Promise<void> {
  const { req, res, setup, entry } = turn;
  await waitLatency(turn, setup.switches());
  const images = countImages(call.recipe.n, fault);
  const end = (how: BillEnd) => setup.bill.end(entry, { images, ...how });
  if (fault === "hang") return end({ outcome: "hung" });
  if (fault === "reset") {
    end({ outcome: "reset" });
    req.socket.resetAndDestroy();
    return;
  }
  if (fault === "html") {
    end({ outcome: "proxy", http_status: 502 });
    return sendText(res, { status: 502, type: "text/html", text: PROXY_PAGE });
  }
  const text = JSON.stringify(await toAnswer(turn, call, images));
  if (fault === "malformed") {
    end({ outcome: "malformed", http_status: 200 });
    return sendText(res, { status: 200, type: "application/json", text: text.slice(0, text.length / 2) });
  }
  if (res.destroyed) return end({ outcome: "abandoned", http_status: 200 });
  // written down before it is sent: whoever has the answer finds it on the bill
  end({ outcome: "answered", http_status: 200 });
  res.once("close", () => {
    if (!res.writableFinished) end({ outcome: "abandoned", http_status: 200 });
  });
  sendText(res, { status: 200, type: "application/json", text });
}

async function toAnswer(turn: Turn, call: SandboxCall, images: number): Promise<object> {
  const { setup } = turn;
  const switches = setup.switches();
  const created = Math.floor(setup.now() / 1000);
  const origin = setup.publicUrl ?? `http://${turn.req.headers.host}`;
  const withUrl = switches.bothForms || call.response_format === "url";
  const withBytes = switches.bothForms || call.response_format === "b64_json";
  const data = Array.from({ length: images }, async (_, index) => {
    const { imageScale: scale, imageBytes: padToBytes, modelChange } = switches;
    const picture = toPicture(call.recipe, { index, scale, padToBytes, modelChange });
    const expiresAt = setup.now() + switches.urlLifetimeMs;
    return {
      ...(withUrl && { url: setup.imageUrls.create(picture, { origin, expiresAt }) }),
      ...(withBytes && { b64_json: toBase64(await setup.painter.paint(picture), switches) }),
    };
  });
  return { created, data: await Promise.all(data), usage: { input_tokens_details: {} } };
}

function toBase64(png: Buffer, switches: Readonly<Switches>): string {
  return `${switches.base64 === "bare" ? "" : "data:image/png;base64,"}${png.toString("base64")}`;
}

async function waitLatency({ setup, entry }: Turn, switches: Readonly<Switches>): Promise<void> {
  const stray = switches.latencyJitter * (2 * roll(switches.randomSeed, `latency ${entry.number}`) - 1);
  const latencyMs = switches.latencyMs * (1 + stray);
  if (latencyMs > 0) await wait(latencyMs, undefined, { signal: setup.closing });
}

function setRetryAfter(res: ServerResponse, refusal: Refusal, { form, now }: { form: string; now: number }): void {
  if (refusal.retryAfterMs === undefined || form === "none") return;
  const seconds = Math.ceil(refusal.retryAfterMs / 1000);
  // HTTP dates know whole seconds only: rounded up, or the caller would come back too early
  const date = new Date(Math.ceil((now + refusal.retryAfterMs) / 1000) * 1000).toUTCString();
  res.setHeader("retry-after", form === "date" ? date : String(seconds));
}
