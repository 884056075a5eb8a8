// `enqueue`: one request, from flags or from JSON on standard input.
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import { decodeText } from "../../domain/decode-text.ts";
import { type Fault, RejectedError, toMessage } from "../../domain/errors.ts";
import { isExactNumber } from "../../domain/request/exact-number.ts";
import { parseJsonText } from "../../domain/request/json-text.ts";
import { invalidRequest, requireExact } from "../../domain/request/submission.ts";
import { collect } from "../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, writeError, writeOutput } from "../io.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";
import { URL_OPTION, withBackend } from "../open-backend.ts";
import { printView } from "../request-text.ts";
import { sayWhileWaiting } from "../wait-text.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver enqueue "a red fox in the snow" --aspect-ratio 16:9 --n 2 --wait
  $ asset-archiver enqueue "a red fox" --seed 42 --request-id fox-1 --collection animals --tag fox
  $ echo '{"prompt":"a red fox","seed":42}' | asset-archiver enqueue - --json
  $ asset-archiver enqueue "a red fox" --url http://archive.internal:8080`;

interface Options extends NewCatalogFlag {
  [flag: string]: unknown;
  url?: string;
  wait?: boolean;
  json?: boolean;
}

export function addEnqueueCommand(program: Command, end: (code: number) => void): void {
  program
    .command("enqueue")
    .description("ask for one picture (or up to four of one prompt)")
    .argument("[prompt]", 'the prompt; "-" reads the whole request as JSON from standard input')
    .option("--request-id <id>", "your own id; the same id with the same content is a no-op")
    .option("--negative-prompt <text>", "what should not be in the picture")
    .option("--model <name>")
    .option("--n <count>", "1 to 4 pictures")
    .option("--aspect-ratio <w:h>", "21:9 16:9 4:3 3:2 1:1 2:3 3:4 9:16 9:21")
    .option("--seed <number>", "for the same picture again; -1 or none draws one")
    .option("--steps <count>", "1 to 50")
    .option("--guidance-scale <number>", "1 to 10")
    .option("--response-format <form>", "url or b64_json: how the API hands over")
    .option("--collection <name>")
    .option("--tag <tag>", "may be repeated", collect)
    .option("--metadata <json>", "anything you want to find beside the picture")
    .option("--webhook-url <url>", "told when the request has ended")
    .option("--fresh", "call the API even when this recipe is archived already")
    .option("--wait", "wait until it has ended, and show what was archived")
    .option(...NEW_CATALOG_OPTION)
    .option(...URL_OPTION)
    .option("--json", "print the request as one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (prompt: string | undefined, options: Options) => end(await runEnqueue(prompt, options)));
}

async function runEnqueue(prompt: string | undefined, options: Options): Promise<number> {
  const data = {
    ...(prompt === "-" ? await readJson() : prompt === undefined ? {} : { prompt }),
    ...toFields(options),
  };
  requireText(toFields(options));
  if (prompt !== "-") requireText({ prompt });
  const { url, newCatalog = false } = options;
  const prepare = { newCatalog, checkStore: false };
  return withBackend({ prepare, ...(url !== undefined && { url }) }, async (desk) => {
    const signal = interruptSignal();
    let request = await desk.enqueue(data);
    const { request_id } = request;
    if (options.wait) {
      if (process.stderr.isTTY) writeError(`${request_id} is accepted; Ctrl-C leaves it running`);
      const ended = await sayWhileWaiting(desk.wait(request_id, signal), () => desk.explain(request_id));
      if (ended === undefined) {
        writeError(`${request_id} goes on; come back with: asset-archiver wait ${request_id}`);
        return EXIT.interrupted;
      }
      request = ended;
    }
    if (options.json) printJson(request);
    else if (options.wait) printView(request, desk);
    else writeOutput(request_id);
    return options.wait && request.state !== "archived" ? EXIT.failed : EXIT.done;
  });
}

async function readJson(): Promise<object> {
  const input = await buffer(process.stdin);
  try {
    const data = requireExact(parseJsonText(decodeText(input)));
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return data;
  } catch (error) {
    if (error instanceof RejectedError) throw error;
    throw new RejectedError(`Cannot read the request from standard input: ${toMessage(error)}`, {
      code: "invalid_request",
      cause: error,
    });
  }
  throw new RejectedError("Cannot read the request from standard input: wanted one JSON object", {
    code: "invalid_request",
  });
}

/** Flags to the fields of a request. What is not a number, or cannot be kept as one, stays text: the fault shows what was typed. */
function toFields(options: Options): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    request_id: options.requestId,
    negative_prompt: options.negativePrompt,
    model: options.model,
    n: toNumber(options.n),
    aspect_ratio: options.aspectRatio,
    seed: toNumber(options.seed),
    steps: toNumber(options.steps),
    guidance_scale: toNumber(options.guidanceScale),
    response_format: options.responseFormat,
    collection: options.collection,
    tags: options.tag,
    metadata: options.metadata === undefined ? undefined : parseMetadata(String(options.metadata)),
    webhook_url: options.webhookUrl,
    reuse: options.fresh ? false : undefined,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function toNumber(value: unknown): unknown {
  return typeof value === "string" && value.trim() !== "" && isExactNumber(value.trim()) ? Number(value) : value;
}

/** Node replaces bytes of the command line that are not UTF-8: what was typed is gone, and must not be paid for. */
function requireText(fields: Readonly<Record<string, unknown>>): void {
  const faults: Fault[] = Object.entries(fields)
    .filter(([, value]) => JSON.stringify(value)?.includes("\ufffd"))
    .map(([field]) => ({ field, message: "wanted UTF-8 on the command line, got a replacement character (U+FFFD)" }));
  if (faults.length > 0) throw invalidRequest(faults);
}

function parseMetadata(json: string): unknown {
  try {
    return requireExact(parseJsonText(json, ["metadata"]), () => []);
  } catch (error) {
    if (error instanceof RejectedError) throw error;
    throw new RejectedError(`--metadata: wanted JSON: ${toMessage(error)}`, { code: "invalid_request", cause: error });
  }
}
