// Any number of requests as JSON lines, answered line by line while they come: what is in hand is one piece of the upload.

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { submit } from "../../app/submit.ts";
import { RejectedError } from "../../domain/errors.ts";
import { requireExact } from "../../domain/request/submission.ts";
import { toAssetViews } from "../../output/report/request-view.ts";
import { allowSlowBody } from "../body-watch.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { toErrorAnswer } from "../error-answer.ts";
import { HttpError } from "../http-error.ts";
import { parseJson, requireType } from "../json-body.ts";
import { type Line, readLines } from "../lines.ts";
import { linksFor } from "../links.ts";
import { schemaRef } from "../openapi.ts";
import { addRoute } from "../route.ts";
import { beginAnswer, writePiece } from "../send.ts";

const LINE_MAX_BYTES = 1024 * 1024;
/** So many lines are accepted together: they share a commit. */
const LINES_AT_ONCE = 100;

const TYPES = ["application/x-ndjson", "application/jsonl", "application/json"];

export function addBulkRoute(http: Http, context: ServerContext): void {
  const lines = (name: "Submission" | "BulkLine") => ({ "application/x-ndjson": { schema: schemaRef(name) } });
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/requests/bulk",
      summary: "Accept requests, one a line; a bad line harms only itself",
      body: lines("Submission"),
      answers: {
        200: { description: "one line for each line that is not empty, in order", content: lines("BulkLine") },
      },
    },
    (c) => acceptLines(context, c),
  );
}

async function acceptLines(context: ServerContext, c: RequestVariables): Promise<Response> {
  const { incoming, outgoing } = c.env;
  requireType(incoming, TYPES);
  // as long as nothing is written an absent Redis can still be told by a status
  await (await context.app.queues()).ping();
  allowSlowBody(incoming);
  beginAnswer(c, { status: 200, headers: { "content-type": "application/x-ndjson" } });
  answerLines(context, c).catch((error: unknown) => {
    context.app.log.debug({ exchange: c.get("exchangeId"), error: String(error) }, "a bulk was cut short");
    outgoing.destroy();
  });
  return RESPONSE_ALREADY_SENT;
}

async function answerLines(context: ServerContext, c: RequestVariables): Promise<void> {
  const { incoming, outgoing } = c.env;
  for await (const lines of readLines(incoming, { maxBytes: LINE_MAX_BYTES })) {
    for (let from = 0; from < lines.length; from += LINES_AT_ONCE) {
      const answers = await Promise.all(
        lines.slice(from, from + LINES_AT_ONCE).map((line) => answerLine(context, c, line)),
      );
      const written = await writePiece(outgoing, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
      if (!written) return;
    }
  }
  outgoing.end();
}

async function answerLine(context: ServerContext, c: RequestVariables, { line, bytes }: Line): Promise<object> {
  let request_id: string | null = null;
  try {
    // what has not been begun when the server stops was not accepted
    if (context.stopping.aborted) throw stopping();
    if (bytes === undefined) throw tooLong();
    const json = parseJson(bytes);
    request_id = idOf(json.value);
    const data = requireExact(json);
    const detail = await submit(context.app, data, context);
    const { request_id: accepted, state } = detail.request;
    return { line, request_id: accepted, state, assets: toAssetViews(detail, linksFor(context, c.req.url)) };
  } catch (error) {
    const { body } = toErrorAnswer(error, c.get("exchangeId"));
    if (!(error instanceof HttpError || error instanceof RejectedError)) {
      context.app.log[context.app.outages.note(error) ? "debug" : "warn"](
        { exchange: c.get("exchangeId"), line, error: String(error) },
        "a line of a bulk failed",
      );
    }
    return { line, request_id, ...body };
  }
}

function idOf(data: unknown): string | null {
  const id = (data as { request_id?: unknown } | null)?.request_id;
  return typeof id === "string" ? id.slice(0, 100) : null;
}

function tooLong(): HttpError {
  const message = `Cannot read the line: wanted at most ${LINE_MAX_BYTES} bytes`;
  return new HttpError(413, { code: "line_too_long", message });
}

function stopping(): HttpError {
  return new HttpError(503, {
    code: "server_stopping",
    message: "The server is stopping; nothing was accepted; try again",
  });
}
