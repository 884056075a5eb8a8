// What the server says about itself: alive, ready, its figures, its document.
import type { App } from "../../app/app.ts";
import { getStatus } from "../../app/status.ts";
import { toMessage } from "../../domain/errors.ts";
import type { Http, ServerContext } from "../context.ts";
import { addRoute, jsonOf } from "../route.ts";

/** A part that takes longer than this to answer is not ready, in ms. */
const READY_WITHIN_MS = 3_000;

export function addServerRoutes(
  http: Http,
  { context, document }: { context: ServerContext; document: () => object },
): void {
  const { app, metrics } = context;
  const look = createLook(() => lookWhatIsReachable(context));
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/status",
      summary: "What is going on",
      answers: { 200: jsonOf("Status", "the counts") },
    },
    async (c) => c.json(await getStatus(app, (error) => app.log.debug({ error: error.message }, "Redis is away"))),
  );
  addRoute(
    http,
    { method: "get", path: "/healthz", summary: "Whether it lives", answers: { 200: jsonOf("Alive", "it does") } },
    (c) => c.json({ status: "alive" }),
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/readyz",
      summary: "Whether catalog, Redis and store can be reached",
      answers: { 200: jsonOf("Ready", "all of them"), 503: jsonOf("Ready", "not all of them") },
    },
    async (c) => {
      const reached = await look();
      const ready = !context.stopping.aborted && Object.values(reached).every((one) => one === "reachable");
      return c.json({ ready, ...reached }, ready ? 200 : 503);
    },
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/metrics",
      summary: "Figures for Prometheus",
      answers: { 200: { description: "the figures", content: { "text/plain": { schema: { type: "string" } } } } },
    },
    async (c) => c.body(await metrics.scrape(), 200, { "content-type": metrics.contentType }),
  );
  let text: string | undefined;
  addRoute(
    http,
    {
      method: "get",
      path: "/openapi.json",
      summary: "This document",
      answers: { 200: { description: "OpenAPI 3.1", content: { "application/json": { schema: { type: "object" } } } } },
    },
    (c) => {
      text ??= JSON.stringify(document());
      return c.body(text, 200, { "content-type": "application/json" });
    },
  );
}

type Reached = "reachable" | "unreachable";

/** An answer of /readyz is good for so long, in ms: anybody may ask, and each look goes to Redis and the store. */
const READY_FOR_MS = 1_000;

/** One look at a time, shared by all who ask meanwhile and shortly after. */
function createLook<T>(look: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let until = 0;
  return () => {
    if (last !== undefined && performance.now() < until) return last;
    until = Number.POSITIVE_INFINITY;
    last = look().finally(() => {
      until = performance.now() + READY_FOR_MS;
    });
    return last;
  };
}

async function lookWhatIsReachable({ app }: ServerContext) {
  const [catalog, redis, store] = await Promise.all([
    reached(app, "catalog", async () => void app.catalog().browse.states(["-"])),
    reached(app, "redis", async () => (await app.queues()).ping()),
    reached(app, "store", (signal) => app.store().head("requests/none.json", { signal })),
  ]);
  return { catalog, redis, store };
}

async function reached(
  app: App,
  name: "catalog" | "redis" | "store",
  look: (signal: AbortSignal) => Promise<unknown>,
): Promise<Reached> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS);
  const { promise: over, reject } = Promise.withResolvers<never>();
  late.signal.addEventListener("abort", () => reject(late.signal.reason));
  try {
    await Promise.race([look(late.signal), over]);
    app.outages.worked(name);
    return "reachable";
  } catch (error) {
    app.outages.failed(name, toMessage(error));
    return "unreachable";
  } finally {
    clearTimeout(timer);
  }
}
