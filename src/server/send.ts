// Answers that are written piece by piece, past the framework, so that a slow reader holds a connection and no memory.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { RequestVariables, ServerContext } from "./context.ts";
import { commonHeaders } from "./guards.ts";

/** A reader or writer that is silent for so long is gone, in ms. */
const SILENCE_MS = 60_000;

export interface Streamed {
  status: number;
  headers: Readonly<Record<string, string>>;
  stream: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
}

/** Begins the answer and returns; what goes wrong after the head can only end the connection. */
export function sendStream(
  { app }: ServerContext,
  c: RequestVariables,
  { status, headers, stream }: Streamed,
): Response {
  const { outgoing } = c.env;
  beginAnswer(c, { status, headers });
  const source = stream instanceof Readable ? stream : Readable.from(stream, { objectMode: false });
  pipeline(source, outgoing).catch((error: unknown) => {
    app.log.debug({ exchange: c.get("exchangeId"), error: String(error) }, "an answer was cut short");
    outgoing.destroy();
  });
  return RESPONSE_ALREADY_SENT;
}

/** Writes the head, and watches for silence from here on. */
export function beginAnswer(c: RequestVariables, head: Pick<Streamed, "status" | "headers">): void {
  const { outgoing } = c.env;
  // without a listener of our own the server destroys a socket that was silent, and sets it back with the next exchange
  outgoing.setTimeout(SILENCE_MS);
  outgoing.writeHead(head.status, { ...commonHeaders(c.get("exchangeId")), ...head.headers });
  if ("flushHeaders" in outgoing) outgoing.flushHeaders();
}

/** Writes a piece and waits until there is room for the next. Resolves to false when nobody reads any more. */
export async function writePiece(outgoing: HttpBindings["outgoing"], piece: string): Promise<boolean> {
  if (outgoing.destroyed) return false;
  if (outgoing.write(piece)) return true;
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("drain", resolve);
  outgoing.once("close", resolve);
  await promise;
  outgoing.off("drain", resolve);
  outgoing.off("close", resolve);
  return !outgoing.destroyed;
}
