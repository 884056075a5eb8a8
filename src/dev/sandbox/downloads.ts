// GET /images/<id>.png: the bytes behind the URLs that the API gave, and all the ways in which they may not arrive.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { rollDownloadFault } from "./faults.ts";
import { type Exchange, PROXY_PAGE, sendJson, sendText } from "./http.ts";
import { refuse, toErrorBody } from "./refusal.ts";
import type { Setup } from "./setup.ts";

/** Answers one download. `number` counts them, for the dice. */
export async function handleDownload(exchange: Exchange, setup: Setup, number: number): Promise<void> {
  const { res, url } = exchange;
  const switches = setup.switches();
  const verdict = setup.imageUrls.check(url);
  if (!("picture" in verdict)) return sendError(res, verdict.status, verdict.message);
  setup.bill.countDownload(false);
  if (switches.imageLatencyMs > 0) await wait(switches.imageLatencyMs, undefined, { signal: setup.closing });
  const fault = rollDownloadFault(switches, number);
  if (fault === "redirect" && !url.searchParams.has("redirected")) return redirect(exchange);
  if (fault === "error") return sendError(res, 503, "The image server is overloaded");
  if (fault === "html") return sendText(res, { status: 200, type: "text/html", text: PROXY_PAGE });
  const png = await setup.painter.paint(verdict.picture);
  const body = fault === "short-body" ? png.subarray(0, png.length >> 1) : png;
  res.setHeader("content-type", "image/png");
  if (fault !== "endless") res.setHeader("content-length", body.length);
  if (exchange.req.method === "HEAD") return void res.end();
  if (fault === "truncate") return breakOff(res, body);
  const pace = { bytesPerSecond: switches.slowDripBytesPerSecond, signal: setup.closing };
  await send(res, body, pace);
  if (fault === "endless") return goOn(res);
  if (fault === undefined && !res.destroyed) setup.bill.countDownload(true);
  res.end();
}

function sendError(res: ServerResponse, status: number, message: string): void {
  sendJson(res, status, toErrorBody(refuse(status, message), String(res.getHeader("x-request-id"))));
}

function redirect({ res, req, url }: Exchange): void {
  const target = new URL(`http://${req.headers.host}${url.pathname}${url.search}`);
  target.searchParams.set("redirected", "1");
  res.writeHead(302, { location: target.href, "content-length": 0 }).end();
}

// the connection ends when half of what was promised is out
function breakOff(res: ServerResponse, body: Buffer): void {
  res.write(body.subarray(0, body.length >> 1), () => res.socket?.destroySoon());
}

const TICK_MS = 50;

async function send(
  res: ServerResponse,
  body: Buffer,
  pace: { bytesPerSecond: number; signal: AbortSignal },
): Promise<void> {
  if (pace.bytesPerSecond === 0) return void res.write(body);
  const step = Math.max(1, Math.round((pace.bytesPerSecond * TICK_MS) / 1000));
  for (let sent = 0; sent < body.length && !res.destroyed; sent += step) {
    res.write(body.subarray(sent, sent + step));
    await wait(TICK_MS, undefined, { signal: pace.signal });
  }
}

const ENDLESS_BLOCK = Buffer.alloc(64 * 1024);

async function goOn(res: ServerResponse): Promise<void> {
  const gone = once(res, "close");
  while (!res.destroyed) {
    const room = res.write(ENDLESS_BLOCK);
    await (room ? new Promise((resolve) => setImmediate(resolve)) : Promise.race([once(res, "drain"), gone]));
  }
}
