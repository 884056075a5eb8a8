// The HTTP server: listens, answers, and stops without cutting anybody off who can be answered.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { App } from "../app/app.ts";
import { publicPath } from "../app/asset-links.ts";
import { isForeignInstallation } from "../app/installation.ts";
import type { HttpSettings } from "../app/settings.ts";
import { ConfigError, toMessage } from "../domain/errors.ts";
import { isLoopback } from "../domain/loopback.ts";
import { isUnsuitableRedis } from "../queue/connection.ts";
import { createBodyWatch } from "./body-watch.ts";
import type { ServerContext } from "./context.ts";
import { toErrorAnswer } from "./error-answer.ts";
import { createHttpApp } from "./http-app.ts";
import { HttpError } from "./http-error.ts";
import { createHttpMetrics } from "./metrics.ts";
import { startPresence } from "./presence.ts";
import { createQuickAccept } from "./quick-accept.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createTokenGuesses } from "./token-guesses.ts";
import { createTokens } from "./tokens.ts";

/** A server that listens. Whoever started it stops it. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Answers who waits, lets others finish for `graceMs`, and closes. Calling it again ends the grace at once. */
  stop(options?: { graceMs?: number }): Promise<void>;
  /** Resolves, while the server runs, to why it must not go on: another installation has taken over its queues. */
  readonly displaced: Promise<ConfigError>;
}

/** The head of a request must arrive within this, and a connection without one is closed after that, in ms. */
const HEAD_TIMEOUT_MS = 60_000;
/** Longer than what is in front of a server usually keeps a connection, so that it never sends into a closed one. */
const KEEP_ALIVE_MS = 65_000;
/** Callers who come at once and have not been let in yet; the default of 511 turns the rest of a thousand away. */
const BACKLOG = 4_096;
const STOP_GRACE_MS = 10_000;

export interface ServerOptions {
  /**
   * Nothing else runs in this process: requests are recorded on a thread of their own, so that no commit holds up other
   * connections, and the framework may put its own light Request and Response in the place of the global ones.
   */
  ownsProcess?: boolean;
}

/** Starts listening. Throws ConfigError for a HOST that needs tokens, or an address that cannot be had. */
export async function startServer(app: App, { ownsProcess = false }: ServerOptions = {}): Promise<RunningServer> {
  const { host, port } = app.settings.http;
  requireTokens(app.settings.http);
  // opened before the first exchange, so that a catalog which cannot be used is told at once
  await app.prepare();
  await refuseUnsuitable(app);
  const stopping = new AbortController();
  const { accept } = ownsProcess ? app.recorder() : app.catalog();
  const server = createListener({ ...createServerContext(app, stopping.signal), accept }, { ownsProcess });
  await listen(server, { host, port });
  const presence = await startPresence(app);
  const address = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  let stopped: Promise<void> | undefined;
  return {
    url,
    port: address.port,
    stop: ({ graceMs = STOP_GRACE_MS } = {}) => {
      if (stopped !== undefined) server.closeAllConnections();
      stopped ??= stopServer(server, { stopping, graceMs }).then(presence.stop);
      return stopped;
    },
    displaced: presence.displaced,
  };
}

/** A Redis that is away may come back; one that must not be used never gets better, and would refuse every request. */
async function refuseUnsuitable(app: App): Promise<void> {
  await app.queues().catch((error: unknown) => {
    if (isUnsuitableRedis(error) || isForeignInstallation(error)) throw error;
    app.outages.failed("redis", toMessage(error));
  });
}

// a name that others reach it by means that others reach it, also where the address is a proxy's on this machine
function requireTokens({ host, publicUrl, tokens }: HttpSettings): void {
  if (tokens.length > 0) return;
  if (!isLoopback(host)) throw tokensRequired(`listen on HOST ${host}`, "leave HOST at 127.0.0.1");
  const published = publicUrl === undefined ? "localhost" : new URL(publicUrl).hostname;
  if (!isLoopback(published)) throw tokensRequired(`serve PUBLIC_URL (${published})`, "remove PUBLIC_URL");
}

function tokensRequired(action: string, otherwise: string): ConfigError {
  const message = `Cannot ${action} without API_TOKENS: everybody who reaches it could spend your money. Set API_TOKENS, or ${otherwise}`;
  return new ConfigError(message, {
    code: "tokens_required",
    faults: [{ field: "API_TOKENS", message: "expected at least one token" }],
  });
}

/** What the routes of this app work with. */
export function createServerContext(app: App, stopping: AbortSignal): ServerContext {
  const { http } = app.settings;
  return {
    app,
    accept: (request, origin) => app.catalog().accept(request, origin),
    tokens: createTokens(http.tokens),
    rateLimit: createRateLimit(http.rateLimit, app.clock),
    guesses: createTokenGuesses(app.clock),
    signer: app.urlSigner,
    publicPath: publicPath(http.publicUrl),
    watch: app.endWatch,
    metrics: createHttpMetrics(app),
    stopping,
  };
}

function createListener(context: ServerContext, { ownsProcess }: Required<ServerOptions>): Server {
  const http = createHttpApp(context);
  const quickAccept = createQuickAccept(context);
  const listener = getRequestListener((request, env) => http.fetch(request, env), {
    hostname: context.app.settings.http.host,
    // where this process is somebody's else's, too, its globals stay as they are
    overrideGlobalObjects: ownsProcess,
    errorHandler: (error) => refuseUnreadable(error),
  });
  const bodies = createBodyWatch();
  // the body's time is watched by ourselves: a bulk may take hours
  return createServer(
    { requestTimeout: 0, headersTimeout: HEAD_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (incoming, outgoing) => {
      bodies.watch(incoming, outgoing);
      if (!quickAccept(incoming, outgoing)) void listener(incoming, outgoing);
    },
  ).once("close", bodies.stop);
}

// what is so wrong that it never becomes a request: a host or a path that is none
function refuseUnreadable(error: unknown): Response {
  const wrong = new HttpError(400, { code: "bad_request", message: `Cannot read the request: ${toMessage(error)}` });
  const { status, body } = toErrorAnswer(wrong, "");
  return Response.json(body, { status });
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port, backlog: BACKLOG }, resolve);
  try {
    await promise;
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    const reason = isTaken
      ? "the port is taken; set PORT or --port to a free one (0 picks any)"
      : `${toMessage(error)}; check HOST and PORT`;
    const message = `Cannot listen on ${host}:${port}: ${reason}`;
    throw new ConfigError(message, { code: "cannot_listen", cause: error });
  }
}

async function stopServer(
  server: Server,
  { stopping, graceMs }: { stopping: AbortController; graceMs: number },
): Promise<void> {
  stopping.abort();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // connections are kept alive for the next request, which will not come
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearInterval(idle);
  clearTimeout(late);
}
