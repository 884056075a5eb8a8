// POST /v1/images/generations: the image API's own form, answered when the images are archived, with URLs that do not die.

import { submit } from "../../app/submit.ts";
import type { ArchivedAsset, RequestDetail } from "../../domain/records.ts";
import { parseSubmission, requireExact, toRequest } from "../../domain/request/submission.ts";
import { toArchivedAssets } from "../../pipeline/archive.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { withDeadline } from "../deadline.ts";
import { HttpError } from "../http-error.ts";
import { idempotencyHeaders, withIdempotencyKey } from "../idempotency.ts";
import { endError } from "../images-error.ts";
import { readJson } from "../json-body.ts";
import { linksFor, locationOf } from "../links.ts";
import { toImagesForm } from "../openai-form.ts";
import { schemaRef } from "../openapi.ts";
import { addRoute, jsonOf } from "../route.ts";
import { sendStream } from "../send.ts";

/** As long as OpenAI's own clients wait. */
const WAIT_MAX_MS = 10 * 60_000;

/** A client library's own repeat is joined to what it asked for within this time, in ms. */
const REPEAT_WITHIN_MS = 15 * 60_000;

export function addImagesRoute(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/images/generations",
      summary: "The image API's own form; answers when the images are archived",
      headers: idempotencyHeaders,
      body: { "application/json": { schema: schemaRef("ImagesForm") } },
      answers: { 200: jsonOf("Images", "the images, at URLs that do not die, or as data URLs") },
    },
    (c) => generateImages(context, c),
  );
}

async function generateImages(context: ServerContext, c: RequestVariables): Promise<Response> {
  const { data, ignored } = toImagesForm(requireExact(await readJson(c.env.incoming), () => []));
  if (ignored.length > 0) c.header("x-ignored-parameters", ignored.join(", "));
  const id = await accept(context, c, withIdempotencyKey(data, c.req.header("idempotency-key")));
  const signals = [c.req.raw.signal, context.stopping];
  await withDeadline({ ms: WAIT_MAX_MS, signals }, (signal) => context.watch.wait(id, signal));
  const detail = await context.app.catalog().find(id);
  if (detail?.request.erased_at != null) throw erased(id);
  if (detail?.request.state === "archived") return sendImages(context, c, detail);
  if (detail === undefined)
    throw new HttpError(404, { code: "request_not_found", message: `Request "${id}" is gone`, param: id });
  throw endError(detail, { stopping: context.stopping.aborted });
}

async function accept(context: ServerContext, c: RequestVariables, data: unknown): Promise<string> {
  const id = findRepeated(context, c, data) ?? (await submit(context.app, data, context)).request.request_id;
  c.header("x-archiver-request-id", id);
  c.header("location", locationOf(context, id));
  // OpenAI's clients show this header as the id of the answer
  if (c.req.header("x-request-id") === undefined) c.header("x-request-id", id);
  return id;
}

/**
 * OpenAI's clients try again by themselves when a connection breaks or takes too long, and bring no key that says so but
 * a count of their tries. Without this each of them would be paid again.
 */
function findRepeated({ app }: ServerContext, c: RequestVariables, data: unknown): string | undefined {
  if (!(Number(c.req.header("x-stainless-retry-count")) > 0)) return undefined;
  const submission = parseSubmission(data);
  if (submission.request_id !== undefined) return undefined;
  const { content_hash } = toRequest(submission, { requestId: "repeated", random: Math.random });
  return app.catalog().browse.findDuplicateContent(content_hash, app.clock.now() - REPEAT_WITHIN_MS);
}

function sendImages(context: ServerContext, c: RequestVariables, detail: RequestDetail): Response {
  const assets = toArchivedAssets(detail);
  const last = detail.generations.at(-1);
  const created = last?.api_created ?? Math.floor(detail.request.created_at / 1000);
  const usage = last?.usage ?? { input_tokens_details: {} };
  if (detail.request.response_format === "url") {
    const link = linksFor(context, c.req.url);
    return c.json({ created, data: assets.map(({ digest }) => ({ url: link(digest).url })), usage });
  }
  const headers = {
    "content-type": "application/json",
    "x-archiver-request-id": detail.request.request_id,
    location: locationOf(context, detail.request.request_id),
  };
  return sendStream(context, c, { status: 200, headers, stream: inBase64(context, { created, usage, assets }) });
}

function erased(id: string): HttpError {
  const message = `The images of request "${id}" were removed on request; a new request id makes them again`;
  return new HttpError(410, { code: "asset_erased", message, param: id, headers: { "x-should-retry": "false" } });
}

interface InBase64 {
  created: number;
  usage: unknown;
  assets: readonly ArchivedAsset[];
}

// piece by piece: four images of 64 MiB would be 350 MB of text
async function* inBase64(context: ServerContext, { created, usage, assets }: InBase64): AsyncGenerator<string> {
  yield `{"created":${created},"data":[`;
  for (const [place, asset] of assets.entries()) {
    yield `${place === 0 ? "" : ","}{"b64_json":"data:${asset.content_type};base64,`;
    yield* base64Of(context, asset);
    yield '"}';
  }
  yield `],"usage":${JSON.stringify(usage)}}`;
}

async function* base64Of({ app }: ServerContext, asset: ArchivedAsset): AsyncGenerator<string> {
  const stream = await app.store().read(asset.key);
  if (stream === undefined) throw new Error(`The store has lost asset ${asset.digest}`);
  let rest = Buffer.alloc(0);
  for await (const piece of stream) {
    const bytes = Buffer.concat([rest, piece]);
    // base64 takes three bytes at a time; what is over waits for the next piece
    const whole = bytes.length - (bytes.length % 3);
    yield bytes.toString("base64", 0, whole);
    rest = bytes.subarray(whole);
  }
  yield rest.toString("base64");
}
