// The bytes of an asset: they never change, so a reader may keep them for ever, and may ask for any part of them.
import { z } from "zod";
import type { Asset } from "../../domain/records.ts";
import { readThumbnail } from "../../image/read-thumbnail.ts";
import { matchesTag, parseRange } from "../byte-range.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { HttpError } from "../http-error.ts";
import { addRoute } from "../route.ts";
import { sendStream } from "../send.ts";
import { findAsset } from "./assets.ts";

/** How long an address of the bucket works; a reader of the redirect may keep it for half of that. */
const PRESIGNED_MS = 15 * 60_000;

const contentQuery = z.object({ signature: z.string().optional() });
const binary = { schema: { type: "string", format: "binary" } } as const;
const bytes = { "image/png": binary, "image/jpeg": binary, "image/webp": binary };

export function addContentRoute(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/assets/{digest}/content",
      summary: "The bytes of an asset, or a part of them",
      query: contentQuery,
      answers: {
        200: { description: "the bytes", content: bytes },
        206: { description: "the part that Range asked for", content: bytes },
        302: { description: "they are in the bucket, at an address that works for 15 minutes (ASSET_REDIRECT)" },
        304: { description: "the reader has them already" },
        416: { description: "there is no such part" },
      },
    },
    (c) => sendContent(context, c),
  );
}

/** A small picture of an asset; a newer version of this program may make it differently. */
export function addThumbnailRoute(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/assets/{digest}/thumbnail",
      summary: "A small picture of an asset: WebP, at most 90,000 pixels",
      answers: { 200: { description: "the picture", content: { "image/webp": binary } } },
    },
    (c) => sendThumbnail(context, c),
  );
}

async function sendThumbnail(context: ServerContext, c: RequestVariables): Promise<Response> {
  const asset = findAsset(context, c.req.param("digest"));
  const small = await readThumbnail({ store: context.app.store(), signal: c.req.raw.signal }, asset);
  if (small === undefined) throw missing(asset);
  return c.body(new Uint8Array(small), 200, {
    "content-type": "image/webp",
    "cache-control": `${context.tokens.required ? "private" : "public"}, max-age=86400`,
    "content-security-policy": "default-src 'none'; sandbox",
  });
}

async function sendContent(context: ServerContext, c: RequestVariables): Promise<Response> {
  const asset = findAsset(context, c.req.param("digest"));
  const headers = toHeaders(context, asset);
  const { etag } = headers;
  if (matchesTag(c.req.header("if-none-match"), etag)) {
    return c.body(null, 304, { etag, "cache-control": headers["cache-control"] });
  }
  const elsewhere = await findElsewhere(context, asset);
  if (elsewhere !== undefined) {
    const keep = `private, max-age=${PRESIGNED_MS / 2_000}`;
    return c.body(null, 302, { location: elsewhere, etag, "cache-control": keep, "referrer-policy": "no-referrer" });
  }
  // a length that the framework does not see in a body: there is none
  if (c.req.method === "HEAD") return c.body(null, 200, { ...headers, "content-length": String(asset.bytes) });
  return sendBytes(context, c, { asset, headers });
}

async function sendBytes(
  context: ServerContext,
  c: RequestVariables,
  { asset, headers }: { asset: Asset; headers: Record<string, string> },
): Promise<Response> {
  const sameAsBefore = c.req.header("if-range") === undefined || c.req.header("if-range") === headers.etag;
  const range = sameAsBefore ? parseRange(c.req.header("range"), asset.bytes) : "whole";
  if (range === "unsatisfiable") {
    const message = `Cannot send that part: the asset has ${asset.bytes} bytes`;
    const of = { "content-range": `bytes */${asset.bytes}` };
    throw new HttpError(416, { code: "range_not_satisfiable", message, headers: of });
  }
  const { start, end } = range === "whole" ? { start: 0, end: asset.bytes - 1 } : range;
  const stream = await context.app.store().read(asset.key, range === "whole" ? {} : { range });
  if (stream === undefined) throw missing(asset);
  const part = range === "whole" ? {} : { "content-range": `bytes ${start}-${end}/${asset.bytes}` };
  return sendStream(context, c, {
    status: range === "whole" ? 200 : 206,
    headers: { ...headers, ...part, "content-length": String(end - start + 1) },
    stream,
  });
}

function toHeaders({ tokens }: ServerContext, { digest, key, content_type }: Asset) {
  return {
    "content-type": content_type,
    etag: `"${digest}"`,
    "accept-ranges": "bytes",
    // a shared cache must not give away what a token was asked for
    "cache-control": `${tokens.required ? "private" : "public"}, max-age=31536000, immutable`,
    "content-disposition": `inline; filename="${key.split("/").at(-1)}"`,
    // an image is looked at and nothing else, whatever a browser makes of its bytes
    "content-security-policy": "default-src 'none'; sandbox",
  };
}

async function findElsewhere({ app }: ServerContext, { key }: Asset): Promise<string | undefined> {
  if (!app.settings.http.assetRedirect) return undefined;
  return app.store().presign?.(key, { expiresMs: PRESIGNED_MS });
}

function missing({ digest }: Asset): HttpError {
  const message = `The catalog knows asset "${digest}", and the store has lost it; run: asset-archiver catalog verify`;
  return new HttpError(500, { code: "asset_missing", message, param: digest });
}
