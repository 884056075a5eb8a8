// `catalog edit`: collections, tags and notes, changed afterwards.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import type { Edit } from "../../../catalog/requests/edits.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { submissionSchema } from "../../../domain/request/submission.ts";
import { rewriteStaleSidecars } from "../../../maintenance/retention.ts";
import { collect } from "../../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../../io.ts";

const EXAMPLES = `
The sidecar in the store is written again; the recipe and the images never change.

Examples:
  $ asset-archiver catalog edit fox-1 fox-2 --collection animals --add-tag fox
  $ asset-archiver catalog edit fox-1 --remove-tag draft --note "used on the front page"
  $ asset-archiver catalog edit fox-1 --note ""`;

interface Options {
  collection?: string;
  addTag?: string[];
  removeTag?: string[];
  note?: string;
  json?: boolean;
}

const NOTE_MAX_LENGTH = 10_000;

export function addCatalogEdit(group: Command, end: (code: number) => void): void {
  group
    .command("edit")
    .description("change the collection, the tags or the note of requests")
    .argument("<request_id...>")
    .option("--collection <name>", "move them there")
    .option("--add-tag <tag>", "may be repeated", collect)
    .option("--remove-tag <tag>", "may be repeated", collect)
    .option("--note <text>", "anything worth knowing; an empty text takes the note away")
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await runEdit(ids, options)));
}

function runEdit(ids: string[], options: Options): Promise<number> {
  const edit = toEdit(options);
  return withApp(async (app) => {
    const signal = interruptSignal();
    let code: number = EXIT.done;
    for (const request_id of ids) {
      const result = await app.catalog().edits.edit(request_id, edit);
      if (result === "unknown") code = EXIT.failed;
      if (options.json) printJson({ request_id, result });
      else if (result === "unknown") writeError(`There is no request "${request_id}"`);
      else writeOutput(`${request_id}  ${result}`);
    }
    await sealNow(app, signal);
    return code;
  });
}

/** Writes the sidecars that have to follow; what cannot be written now a worker writes later. */
export async function sealNow(app: App, signal: AbortSignal): Promise<void> {
  const { log } = app;
  await rewriteStaleSidecars({ catalog: app.catalog(), store: app.store(), mirror: app.mirror(), log, signal });
}

function toEdit({ collection, addTag, removeTag, note }: Options): Edit {
  const { collection: aCollection, tags } = submissionSchema.shape;
  const checked = [
    { flag: "--collection", fits: collection === undefined || aCollection.safeParse(collection).success },
    { flag: "--add-tag", fits: tags.safeParse(addTag ?? []).success },
    { flag: "--note", fits: (note ?? "").length <= NOTE_MAX_LENGTH },
  ];
  const fault = checked.find(({ fits }) => !fits);
  if (fault !== undefined) throw invalid(`${fault.flag}: wanted what a request may hold`);
  if ([collection, addTag, removeTag, note].every((value) => value === undefined))
    throw invalid("catalog edit: wanted --collection, --add-tag, --remove-tag or --note");
  return { collection, addTags: addTag, removeTags: removeTag, note: note === "" ? null : note };
}

function invalid(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}
