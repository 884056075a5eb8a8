// What the routes work with. Types only.
import type { HttpBindings } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { App } from "../app/app.ts";
import type { CompletionWatch } from "../app/completion-watch.ts";
import type { UrlSigner } from "../app/url-signing.ts";
import type { Catalog } from "../pipeline/ports.ts";
import type { HttpMetrics } from "./metrics.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { TokenGuesses } from "./token-guesses.ts";
import type { Tokens } from "./tokens.ts";

export interface ServerContext {
  app: App;
  /** Records a request: on this thread, or on one of its own. */
  accept: Catalog["accept"];
  tokens: Tokens;
  rateLimit: RateLimit;
  guesses: TokenGuesses;
  signer: UrlSigner;
  /** The path of PUBLIC_URL, without a slash at its end: what a proxy puts in front of our own paths. */
  publicPath: string;
  watch: CompletionWatch;
  metrics: HttpMetrics;
  /** Aborted when the server stops: whoever waits is answered. */
  stopping: AbortSignal;
}

export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: {
    /** Names this exchange, in its headers, its errors and the log. */
    exchangeId: string;
    /** The route's pattern, once one was found. */
    route?: string;
  };
}

/** One request and its answer. */
export type RequestVariables = Context<HttpEnv>;

/** The web framework with our variables. */
export type Http = OpenAPIHono<HttpEnv>;
