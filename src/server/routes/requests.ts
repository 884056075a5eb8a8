// Requests, one by one and in pages. What is accepted, cancelled and retried is decided elsewhere; here it gets its HTTP form.
import type { HttpBindings } from "@hono/node-server";
import { z } from "zod";
import { cancel, reread, retry } from "../../app/request-actions.ts";
import { submit } from "../../app/submit.ts";
import { explainWait } from "../../app/wait-reasons.ts";
import { RejectedError } from "../../domain/errors.ts";
import type { RequestDetail } from "../../domain/records.ts";
import { requireExact } from "../../domain/request/submission.ts";
import { parseDuration } from "../../domain/units.ts";
import { type RequestView, toRequestView } from "../../output/report/request-view.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { withDeadline } from "../deadline.ts";
import { HttpError, unknownRequest } from "../http-error.ts";
import { createdHeaders, idempotencyHeaders, withIdempotencyKey } from "../idempotency.ts";
import { readJson } from "../json-body.ts";
import { linksFor, locationOf } from "../links.ts";
import { schemaRef } from "../openapi.ts";
import { addRoute, jsonOf, parseQuery } from "../route.ts";
import { searchQuery, toSearchQuery } from "../search-query.ts";

/** The longest wait; who wants to wait longer asks again. */
const WAIT_MAX_MS = 10 * 60_000;

const waitQuery = z.object({
  wait: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, "wanted a duration such as 30s")
    .optional(),
});

export function addRequestRoutes(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/requests",
      summary: "Accept a request",
      headers: idempotencyHeaders,
      body: { "application/json": { schema: schemaRef("Submission") } },
      answers: {
        200: jsonOf("Request", "the same request was accepted before: as it is now"),
        202: { ...jsonOf("Request", "accepted"), headers: createdHeaders },
      },
    },
    (c) => accept(context, c),
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/requests",
      summary: "Search the requests, or leaf through them",
      query: searchQuery,
      answers: { 200: jsonOf("RequestPage", "a page") },
    },
    (c) => list(context, c),
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/requests/{id}",
      summary: "Show a request; with `wait`, when it has ended, is parked, or the time is over",
      query: waitQuery,
      answers: { 200: jsonOf("Request", "the request") },
    },
    (c) => show(context, c),
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/requests/{id}/waiting",
      summary: "Why a request has not ended yet",
      answers: { 200: jsonOf("Waiting", "the reasons; none where it has ended") },
    },
    async (c) => {
      const { request } = await find(context, idOf(c));
      const { request_id, state } = request;
      return c.json({ request_id, state, reasons: await explainWait(context.app, request_id) });
    },
  );
  addRoute(
    http,
    {
      method: "delete",
      path: "/v1/requests/{id}",
      summary: "Cancel a request that has cost nothing yet",
      answers: { 200: jsonOf("Request", "it is cancelled"), 409: jsonOf("Error", "it is paid, or has ended") },
    },
    (c) => remove(context, c),
  );
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/requests/{id}/retry",
      summary: "Retry a failed or parked request",
      answers: { 202: jsonOf("Retried", "it is on its way again"), 409: jsonOf("Error", "it is in no such state") },
    },
    (c) => again(context, c),
  );
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/requests/{id}/reread",
      summary: "Read answers again that could not be read when they came, from the spool of this machine, at no cost",
      answers: { 200: jsonOf("Reread", "what was found; `reason` says why nothing was") },
    },
    (c) => readAgain(context, c),
  );
}

/** A request that was accepted: now, or before under the same id. */
export interface Acceptance {
  status: 200 | 202;
  location: string;
  view: RequestView;
}

/** Accepts what the body of POST /v1/requests asks for; `url` is the address that the caller used. */
export async function acceptRequest(
  context: ServerContext,
  { incoming, url }: { incoming: HttpBindings["incoming"]; url: string },
): Promise<Acceptance> {
  const { app, accept } = context;
  const key = incoming.headers["idempotency-key"];
  const data = withIdempotencyKey(requireExact(await readJson(incoming)), typeof key === "string" ? key : undefined);
  const id = (data as { request_id?: unknown } | null)?.request_id;
  const known = typeof id === "string" ? await app.catalog().find(id) : undefined;
  const detail = await submit(app, data, { accept });
  const location = locationOf(context, detail.request.request_id);
  return { status: known === undefined ? 202 : 200, location, view: toRequestView(detail, linksFor(context, url)) };
}

async function accept(context: ServerContext, c: RequestVariables): Promise<Response> {
  const { status, location, view } = await acceptRequest(context, { incoming: c.env.incoming, url: c.req.url });
  return c.json(view, status, { location });
}

async function list(context: ServerContext, c: RequestVariables): Promise<Response> {
  const { app } = context;
  const query = parseQuery(c, searchQuery);
  const { sort, limit, cursor } = query;
  const page = app.catalog().search(toSearchQuery(query), { sort, limit, cursor });
  const found = await Promise.all(page.items.map(({ request }) => app.catalog().find(request.request_id)));
  const link = linksFor(context, c.req.url);
  const data = found.flatMap((detail) => (detail === undefined ? [] : [toRequestView(detail, link)]));
  return c.json({ data, next_cursor: page.next, complete: page.complete });
}

async function show(context: ServerContext, c: RequestVariables): Promise<Response> {
  const { wait } = parseQuery(c, waitQuery);
  const id = idOf(c);
  await find(context, id);
  if (wait !== undefined) {
    const ms = Math.min(WAIT_MAX_MS, parseDuration(wait) ?? 0);
    const signals = [c.req.raw.signal, context.stopping];
    await withDeadline({ ms, signals }, (signal) => context.watch.wait(id, signal));
  }
  return c.json(await view(context, c, id));
}

async function remove(context: ServerContext, c: RequestVariables): Promise<Response> {
  const id = idOf(c);
  const end = await cancel(context.app, id);
  if (end === undefined) throw unknownRequest(id);
  if (end.cancelled) return c.json(await view(context, c, id));
  const ended = end.state === "archived" || end.state === "failed";
  const reason = ended
    ? `it has ended as ${end.state}`
    : "its call is out or answered, so it is paid; it is finished and archived";
  throw new HttpError(409, {
    code: ended ? "already_ended" : "already_paid",
    message: `Cannot cancel request "${id}": ${reason}`,
    param: id,
  });
}

async function readAgain(context: ServerContext, c: RequestVariables): Promise<Response> {
  const id = idOf(c);
  const result = await reread(context.app, id);
  if (result === undefined) throw unknownRequest(id);
  return c.json({ request_id: id, ...result }, 200);
}

async function again(context: ServerContext, c: RequestVariables): Promise<Response> {
  const id = idOf(c);
  const end = await retry(context.app, id);
  if (end === undefined) throw unknownRequest(id);
  if (!end.retried) {
    const message = `Cannot retry request "${id}": it is ${end.state}, wanted failed or parked, with data that fits, and not deleted`;
    throw new HttpError(409, { code: "not_retryable", message, param: id });
  }
  const request = await view(context, c, id);
  return c.json({ request_id: id, ...end, request }, 202, { location: locationOf(context, id) });
}

async function view(context: ServerContext, c: RequestVariables, id: string): Promise<RequestView> {
  return toRequestView(await find(context, id), linksFor(context, c.req.url));
}

async function find({ app }: ServerContext, id: string): Promise<RequestDetail> {
  const detail = await app.catalog().find(id);
  if (detail === undefined) throw unknownRequest(id);
  return detail;
}

function idOf(c: RequestVariables): string {
  const id = c.req.param("id");
  if (id === undefined) throw new RejectedError("Bug: a route without an id", { code: "internal_error" });
  return id;
}
