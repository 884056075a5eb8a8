// The sandbox: a stand-in for the Qwen-Image API, for trying, testing and demonstrating at no cost.
// Opens the server and tells its addresses apart; what each of them does lives beside.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { findForeignOrigin } from "../../domain/browser-origin.ts";
import { toSafeText } from "../../domain/terminal-text.ts";
import { withoutTrailing } from "../../domain/trim-end.ts";
import { type Admissions, createAdmission, isKeyFine } from "./admission.ts";
import { type BillSnapshot, createBill } from "./bill.ts";
import { handleControl } from "./control.ts";
import { handleDownload } from "./downloads.ts";
import { createRequestId, handleGeneration } from "./generations.ts";
import { type Exchange, sendJson } from "./http.ts";
import { createImageUrls } from "./image-url.ts";
import { openPainter } from "./painting/painter.ts";
import { refuse, toErrorBody } from "./refusal.ts";
import type { Setup } from "./setup.ts";
import { DEFAULT_SWITCHES, parseSwitches, type Switches } from "./switches.ts";
import { MODEL } from "./validation.ts";

/** How a sandbox is opened: any of the switches, and what cannot change later. */
export interface SandboxOptions extends Partial<Switches> {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** The one key that is accepted. Without it, any that is not empty. */
  apiKey?: string;
  /** Signs image URLs. With the same secret and port they survive a restart. */
  secret?: string;
  /** The origin of image URLs, where callers reach the sandbox under another name than the one they use for calls. */
  publicUrl?: string;
  /** The clock for `created`, expiry and rate limit; latencies are real time. */
  now?: () => number;
}

/** A running sandbox. Whoever opened it closes it. */
export interface Sandbox {
  /** The API's base URL, for IMAGE_API_BASE_URL: http://127.0.0.1:<port>/v1. */
  url: string;
  port: number;
  /** Every call so far, and the sums. A copy. */
  bill(): BillSnapshot;
  /** Sets some switches, from the next exchange on. Throws a RejectedError for values that do not fit. */
  configure(changes: Partial<Switches>): void;
  /** Breaks all connections and stops. Harmless when repeated. */
  close(): Promise<void>;
}

/** A request must have arrived by then, in ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Opens a sandbox; resolves once it listens. Rejects with the system's error when it cannot. */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = "127.0.0.1", port = 0, apiKey, secret, publicUrl, now = Date.now, ...given } = options;
  let switches: Readonly<Switches> = { ...DEFAULT_SWITCHES, ...parseSwitches(given) };
  const closing = new AbortController();
  const setup: Setup = {
    switches: () => switches,
    bill: createBill(now),
    painter: openPainter(),
    imageUrls: createImageUrls({ secret, now }),
    now,
    apiKey,
    publicUrl: publicUrl && withoutTrailing(publicUrl, "/"),
    closing: closing.signal,
  };
  const admissions = createAdmission({ apiKey, switches: setup.switches });
  const configure = (changes: Partial<Switches>) => {
    switches = { ...switches, ...parseSwitches(changes) };
    if (changes.balance !== undefined) admissions.resetBalance();
  };
  const listener = createListener({ setup, admissions, configure });
  // the time for the whole of a request, its body too; how long an answer takes is not counted
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, listener);
  // callers that keep connections must not meet one that we close in that very moment: it would look like a lost call
  server.keepAliveTimeout = 10 * 60_000;
  await listen(server, { host, port });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${shownHost}:${address.port}/v1`,
    port: address.port,
    bill: () => setup.bill.snapshot(),
    configure,
    close: () => {
      closed ??= closeAll(server, { closing, setup });
      return closed;
    },
  };
}

type Server = ReturnType<typeof createServer>;

interface Parts {
  setup: Setup;
  admissions: Admissions;
  configure: (changes: Partial<Switches>) => void;
}

function listen(server: Server, place: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place.port, place.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function closeAll(server: Server, parts: { closing: AbortController; setup: Setup }): Promise<void> {
  parts.closing.abort();
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await Promise.all([stopped, parts.setup.painter.close()]);
}

function createListener(parts: Parts) {
  let downloads = 0;
  const route = (exchange: Exchange): Promise<void> | void => {
    const { req, res, url } = exchange;
    const { pathname } = url;
    const foreign = findForeignOrigin(req, parts.setup);
    if (foreign !== undefined) return refuseForeignPage(exchange, foreign);
    if (pathname === "/sandbox" || pathname.startsWith("/sandbox/"))
      return handleControl(exchange, parts.setup, parts.configure);
    const known = `${req.method} ${pathname}`;
    if (known === "POST /v1/images/generations") return handleGeneration(exchange, parts.setup, parts.admissions);
    if (/^(GET|HEAD) \/images\//.test(known)) return handleDownload(exchange, parts.setup, ++downloads);
    if (known === "GET /v1/models") return sendModels(exchange, parts.setup);
    if (known === "GET /healthz") return sendJson(res, 200, { status: "ok" });
    const status = pathname === "/v1/images/generations" ? 405 : 404;
    return sendJson(res, status, toErrorBody(refuse(status), String(res.getHeader("x-request-id"))));
  };
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    res.setHeader("x-request-id", createRequestId());
    // a caller that goes away in the middle is its own affair
    res.on("error", () => {});
    try {
      await route({ req, res, url: new URL(req.url ?? "/", "http://sandbox") });
    } catch (error) {
      giveUp(res, error, parts.setup.closing);
    }
  };
}

// as at the server: a page of another origin may neither make calls nor change switches
function refuseForeignPage({ res }: Exchange, origin: string): void {
  const message = `Not from a web page of another origin ("${origin.slice(0, 200)}")`;
  const refusal = { ...refuse(403, message), code: "forbidden_origin" };
  sendJson(res, 403, toErrorBody(refusal, String(res.getHeader("x-request-id"))));
}

const MODELS = { object: "list", data: [{ id: MODEL, object: "model", created: 1_754_265_600, owned_by: "sandbox" }] };

// not in the API's document, but in every OpenAI-compatible one: the cheapest way to find out whether a key works
function sendModels({ req, res }: Exchange, { apiKey }: Setup): void {
  if (isKeyFine(req.headers.authorization, apiKey)) sendJson(res, 200, MODELS);
  else sendJson(res, 401, toErrorBody(refuse(401), String(res.getHeader("x-request-id"))));
}

// what is thrown here is a caller gone, a sandbox closing, or a mistake of ours, which must not pass for the API's
function giveUp(res: ServerResponse, error: unknown, closing: AbortSignal): void {
  if (!closing.aborted && !res.destroyed) process.stderr.write(`The sandbox failed: ${toSafeText(inspect(error))}\n`);
  res.destroy();
}
