// What every exchange passes before a route sees it: a name, the metrics, the right host, a known token, the pace.
import { randomUUID } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Next } from "hono";
import { findForeignOrigin } from "../domain/browser-origin.ts";
import { isLoopback } from "../domain/loopback.ts";
import type { Http, RequestVariables, ServerContext } from "./context.ts";
import { HttpError } from "./http-error.ts";

/** What anybody may see: whether it lives, how it is spoken to, and a page that asks for a token itself. */
const OPEN_PATHS = new Set(["/", "/healthz", "/readyz", "/openapi.json"]);

export function addGuards(http: Http, context: ServerContext): void {
  const checkHost = createHostCheck(context);
  http.use((c, next) => {
    const id = nameOf(c.env.incoming);
    c.set("exchangeId", id);
    // past the framework, which would make a Headers of them, and another one of the answer's own
    for (const [name, value] of Object.entries(commonHeaders(id))) c.env.outgoing.setHeader(name, value);
    return observe(context, c, next);
  });
  http.use((c, next) => {
    checkHost(c.req.url);
    refuseForeignPage(context, c.env.incoming);
    if (!OPEN_PATHS.has(c.req.path)) admit(context, c.env.incoming, () => isSignedAsset(context, c));
    return next();
  });
}

const EXCHANGE_ID = /^[A-Za-z0-9._-]{1,100}$/;

/** The caller's own name for an exchange, or a fresh one. */
export function nameOf(incoming: HttpBindings["incoming"]): string {
  const given = incoming.headers["x-request-id"];
  return typeof given === "string" && EXCHANGE_ID.test(given) ? given : randomUUID();
}

/** The headers of every answer. */
export function commonHeaders(exchangeId: string): Record<string, string> {
  return { "x-request-id": exchangeId, "x-content-type-options": "nosniff" };
}

async function observe(context: ServerContext, c: RequestVariables, next: Next): Promise<void> {
  const begun = performance.now();
  await next();
  const { outgoing } = c.env;
  const status = outgoing.headersSent ? outgoing.statusCode : c.res.status;
  const { method, path } = c.req;
  logResponse(context, { exchangeId: c.get("exchangeId"), method, path, route: c.get("route"), status, begun });
}

/** An exchange whose answer has begun. */
export interface Ended {
  exchangeId: string;
  method: string;
  /** The path alone: a query may hold a signature. */
  path: string;
  /** Undefined where none was found. */
  route: string | undefined;
  status: number;
  /** By `performance.now`. */
  begun: number;
}

/** Tells the metrics and the log. */
export function logResponse({ app, metrics }: ServerContext, ended: Ended): void {
  const { exchangeId, method, path, route = "unmatched", status, begun } = ended;
  const seconds = (performance.now() - begun) / 1000;
  metrics.observe({ method, route, status, seconds });
  app.log.debug({ exchange: exchangeId, method, path, status, ms: Math.round(seconds * 1000) }, "answered");
}

/**
 * Without tokens everybody who reaches the server is let in, and a web page that is told to resolve its own name to
 * 127.0.0.1 reaches it with a visitor's browser (DNS rebinding). Such a page cannot hide the name it is called by.
 */
export function createHostCheck({ tokens }: ServerContext): (url: string) => void {
  // callers use one name again and again: that it is a right one is computed once
  let right = "";
  return (url) => {
    const origin = url.slice(0, url.indexOf("/", url.indexOf("//") + 2) + 1);
    if (tokens.required || (right !== "" && origin === right)) return;
    const { hostname } = new URL(url);
    if (!isLoopback(hostname)) throw misdirected(hostname);
    right = origin;
  };
}

/**
 * A page of another origin may not act: without tokens every page that a browser on this machine shows could spend money.
 * With tokens a page cannot know one, and no browser application of another origin is served either way.
 */
export function refuseForeignPage({ app }: ServerContext, incoming: HttpBindings["incoming"]): void {
  const origin = findForeignOrigin(incoming, app.settings.http);
  if (origin === undefined) return;
  const message = `Cannot accept a ${incoming.method} from a web page of another origin ("${origin.slice(0, 200)}"): expected this server's own origin (behind a proxy: PUBLIC_URL), or no browser`;
  throw new HttpError(403, { code: "forbidden_origin", message });
}

function misdirected(hostname: string): HttpError {
  const message = `Cannot answer under the name "${hostname.slice(0, 100)}": a server without API_TOKENS answers to loopback names only`;
  return new HttpError(421, { code: "misdirected_host", message });
}

/** Lets a caller in. Throws HttpError: 401 without a token that is known, unless the address itself is signed; 429. */
export function admit(context: ServerContext, incoming: HttpBindings["incoming"], isSigned = () => false): void {
  const { authorization } = incoming.headers;
  const token = context.tokens.find(authorization);
  const caller = { address: incoming.socket.remoteAddress, authorization, token };
  const guessing = context.tokens.required ? context.guesses.judge(caller) : 0;
  if (guessing > 0) throw tooOften(guessing, "Too many wrong tokens from this address");
  if (context.tokens.required && token === undefined && !isSigned()) {
    const message = "Cannot answer without a valid token: wanted the header Authorization: Bearer <one of API_TOKENS>";
    throw new HttpError(401, { code: "invalid_token", message, headers: { "www-authenticate": "Bearer" } });
  }
  const waitMs = context.rateLimit.take(token === undefined ? "anybody" : `token ${token}`);
  if (waitMs === 0) return;
  throw tooOften(waitMs, "Cannot answer so often: wanted at most HTTP_RATE_LIMIT");
}

function tooOften(waitMs: number, reason: string): HttpError {
  const seconds = String(Math.ceil(waitMs / 1000));
  return new HttpError(429, {
    code: "rate_limited",
    message: `${reason}; come back in ${seconds} s`,
    headers: { "retry-after": seconds, "retry-after-ms": String(waitMs) },
  });
}

function isSignedAsset({ signer }: ServerContext, c: RequestVariables): boolean {
  const [, digest, form] = /^\/v1\/assets\/([0-9a-f]{64})\/(content|thumbnail)$/.exec(c.req.path) ?? [];
  const signature = c.req.query("signature");
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  return (
    digest !== undefined &&
    signature !== undefined &&
    reads &&
    signer.isSigned(digest, form as "content" | "thumbnail", signature)
  );
}
