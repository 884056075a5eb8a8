// The JSON body of a request: read up to a limit and within a time, and nothing else is taken for JSON.
import type { IncomingMessage } from "node:http";
import { decodeText } from "../domain/decode-text.ts";
import { toMessage } from "../domain/errors.ts";
import { type JsonText, parseJsonText } from "../domain/request/json-text.ts";
import { HttpError } from "./http-error.ts";

/** A longer body is refused. */
export const JSON_MAX_BYTES = 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;

/** The parsed body, and what of it cannot be kept. Throws HttpError: 408 too slow, 413 too large, 415 no JSON, 400 broken JSON. */
export async function readJson(incoming: IncomingMessage): Promise<JsonText> {
  requireType(incoming, ["application/json"]);
  const length = Number(incoming.headers["content-length"] ?? 0);
  if (length > JSON_MAX_BYTES) throw tooLarge();
  return parseJson(await readAll(incoming));
}

/** Throws HttpError 415 unless the body is of one of these types, and as it is. */
export function requireType(incoming: IncomingMessage, types: readonly string[]): void {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!types.includes(type)) {
    const message = `Cannot read the body: its content-type is "${type.slice(0, 100)}", wanted ${types.join(" or ")}`;
    throw new HttpError(415, { code: "unsupported_media_type", message, headers: { accept: types.join(", ") } });
  }
  const encoding = incoming.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return;
  const message = `Cannot read the body: its content-encoding is "${encoding.slice(0, 100)}", wanted none`;
  throw new HttpError(415, { code: "unsupported_media_type", message, headers: { "accept-encoding": "identity" } });
}

/** Bytes as JSON. Throws HttpError 400. */
export function parseJson(bytes: Buffer): JsonText {
  try {
    return parseJsonText(decodeText(bytes));
  } catch (error) {
    const message = `Cannot read the body: it is no JSON in UTF-8: ${toMessage(error).slice(0, 200)}`;
    throw new HttpError(400, { code: "invalid_json", message, cause: error });
  }
}

function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > JSON_MAX_BYTES) refuse(tooLarge());
    else chunks.push(chunk);
  };
  const stop = () => {
    clearTimeout(timer);
    // what is still coming after a refusal is thrown away by whoever ends the exchange
    incoming.off("data", onData);
  };
  const refuse = (error: HttpError) => {
    stop();
    reject(error);
  };
  const timer = setTimeout(() => refuse(tooSlow()), BODY_TIMEOUT_MS);
  incoming.on("data", onData);
  incoming.on("end", () => {
    stop();
    resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
  });
  // one that was read whole is closed, too, and before whoever awaits it is told: an error for nothing
  incoming.on("close", () => incoming.readableEnded || refuse(gone()));
  incoming.on("error", () => refuse(gone()));
  return promise;
}

// the connection is not used again: what is still under way would have to be read first
const CLOSING = { connection: "close" };

function tooLarge(): HttpError {
  const message = `Cannot read the body: wanted at most ${JSON_MAX_BYTES} bytes`;
  return new HttpError(413, { code: "body_too_large", message, headers: CLOSING });
}

function tooSlow(): HttpError {
  const message = `Cannot read the body: it did not arrive within ${BODY_TIMEOUT_MS / 1000} s`;
  return new HttpError(408, { code: "body_too_slow", message, headers: CLOSING });
}

function gone(): HttpError {
  return new HttpError(400, {
    code: "body_cut_short",
    message: "Cannot read the body: it ended early",
    headers: CLOSING,
  });
}
