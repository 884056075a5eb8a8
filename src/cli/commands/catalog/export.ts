// `catalog export`: what is archived and how it was made, in the form that others want it.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import type { SearchQuery } from "../../../catalog/search/search.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { formatSize } from "../../../domain/units.ts";
import { readThumbnail } from "../../../image/read-thumbnail.ts";
import { writeFileAtomically, writeFolderAtomically } from "../../../output/export/atomic-output.ts";
import { type Exported, exportImages } from "../../../output/export/export.ts";
import type { Format, Writing } from "../../../output/export/format.ts";
import { FORMATS, toFormat } from "../../../output/export/formats.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeSlowly } from "../../io.ts";
import { createProgress } from "../../live-view.ts";
import { addSearchFlags, type SearchFlags, toSearchQuery } from "../../search-flags.ts";

const EXAMPLES = `
Formats:
${FORMATS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n")}

Words and filters are those of catalog search; what is asked of images (--type, --min-width …) holds for each image. Files
and folders are complete or not there: they get their names when the last byte is on disk. A folder must be new or empty.
An image whose bytes the store does not have as recorded is named and left out, and the command ends with 1. Formats without
images read no bytes: they keep the line of one that catalog verify has found lost, name it, and end with 1, too.

--embed-recipe puts the recipe into PNG copies: as the text "parameters", which common tools read, and as XMP that says it
was made by a model. The pixels are not touched, the stored originals neither. JPEG and WebP are copied as they are.

Examples:
  $ asset-archiver catalog export > assets.jsonl
  $ asset-archiver catalog export "red fox" --from 2026-01-01 --format csv --output foxes.csv
  $ asset-archiver catalog export --format imagefolder --collection posters --output posters
  $ asset-archiver catalog export --format gallery --batch night-1 --output night-1
  $ asset-archiver catalog export --format zip --request fox-1 fox-2 --embed-recipe --output foxes.zip
  $ asset-archiver catalog export | jq -r 'select(.width > 1500) | .key'`;

interface Options extends SearchFlags {
  request?: string[];
  format: string;
  output?: string;
  embedRecipe?: boolean;
  originals: boolean;
  json?: boolean;
}

export function addCatalogExport(group: Command, end: (code: number) => void): void {
  addSearchFlags(group.command("export").description("hand over what is archived, with the recipe of each image"))
    .argument("[words...]")
    .option("--request <id...>", "only these requests")
    .option("--format <form>", FORMATS.map(({ name }) => name).join(", "), "jsonl")
    .option(
      "--output <path>",
      "write there, at once or not at all (default: standard output, where the format allows it)",
    )
    .option("--embed-recipe", "put the recipe into copies of PNG images")
    .option("--no-originals", "gallery: thumbnails only")
    .option("--json", "with --output: print one JSON document that says what was written")
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], options: Options) => end(await runExport(words, options)));
}

function runExport(words: readonly string[], options: Options): Promise<number> {
  const format = toFormat(options.format);
  const query = { ...toSearchQuery(words, options), requests: options.request };
  checkUse(format, options);
  return withApp(async (app) => {
    const signal = interruptSignal();
    const progress = createProgress(process.stderr);
    refuseUnknown(app, options.request);
    try {
      const done = await write(app, { format, query, options, signal, progress });
      progress.end();
      return tell(done, options);
    } catch (error) {
      progress.end();
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

function checkUse(format: Format, { output, embedRecipe, originals }: Options): void {
  if (!originals && format.name !== "gallery")
    throw refused("--no-originals", `wanted gallery as --format, got ${format.name}`);
  if (!originals && embedRecipe) throw refused("--embed-recipe", "wanted originals to put it into, got --no-originals");
  if (embedRecipe && !format.wants.images) {
    const names = FORMATS.filter(({ wants }) => wants.images).map(({ name }) => name);
    throw refused("--embed-recipe", `wanted a format with images: ${names.join(", ")}, got ${format.name}`);
  }
  if (output === "-") throw refused("--output", 'wanted a path, got "-": left out, it is standard output');
  if (output !== undefined) return;
  if (format.to === "folder")
    throw refused("--output", `wanted the folder to write, for ${format.name} cannot be piped`);
  if (!format.text && process.stdout.isTTY)
    throw refused("--output", `wanted a file, or a pipe: ${format.name} is nothing for a terminal`);
}

function refuseUnknown(app: App, ids: readonly string[] = []): void {
  const known = app.catalog().browse.states(ids);
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  const message = `wanted requests of this catalog, got ${unknown.map((id) => `"${id}"`).join(", ")}`;
  throw new RejectedError(`--request: ${message}`, { code: "not_found", faults: [{ field: "--request", message }] });
}

interface Run {
  format: Format;
  query: SearchQuery;
  options: Options;
  signal: AbortSignal;
  progress: ReturnType<typeof createProgress>;
}

async function write(app: App, { format, query, options, signal, progress }: Run): Promise<Exported> {
  const store = app.store();
  // the words of what was accepted just now must be found, too
  if (query.text !== undefined) await app.catalog().indexTexts();
  let lost = 0;
  const fill = (writing: Writing) =>
    exportImages(app.catalog().listArchivedImages(query), {
      writing,
      store,
      signal,
      wants: { ...format.wants, images: format.wants.images && options.originals },
      embed: options.embedRecipe === true,
      thumbnail: (asset, original) => readThumbnail({ store, signal }, asset, original),
      onLeftOut: ({ request, index, asset }, reason) => {
        progress.end();
        writeError(`Left out: image ${index} of request "${request.request_id}", ${asset.key}: ${reason}`);
      },
      onLost: ({ request, index, asset }, fault) => {
        lost += 1;
        if (lost > LOST_NAMED) return;
        progress.end();
        writeError(
          `Listed, but ${fault} when it was last read: image ${index} of request "${request.request_id}", ${asset.key}`,
        );
      },
      // on a terminal, lines are their own progress
      onProgress: (done) => void ((options.output ?? !process.stdout.isTTY) && progress.show(() => toText(done))),
    });
  const { output } = options;
  if (format.to === "file")
    return output === undefined
      ? fill(format.open({ write: writeSlowly }))
      : writeFileAtomically({ output, signal }, (sink) => fill(format.open(sink)));
  return writeFolderAtomically({ output: output ?? "", signal }, async (folder) => fill(await format.open(folder)));
}

function tell(done: Exported, { output, json }: Options): number {
  const { images: lines, bytes, left_out, without_recipe, lost } = done;
  if (output !== undefined && json)
    printJson({ output: resolve(output), lines, bytes, left_out, without_recipe, lost });
  else if (process.stderr.isTTY || output !== undefined || left_out + lost > 0 || lines === 0)
    writeError(`${toText(done)}${output === undefined ? "" : ` in ${output}`}${toRemarks(done)}`);
  if (lost > 0) writeError("To look again and repair: asset-archiver catalog verify --repair");
  return left_out + lost === 0 ? EXIT.done : EXIT.failed;
}

/** So many lost images are named one by one; the others are counted. */
const LOST_NAMED = 20;

function toText({ images, bytes }: Exported): string {
  return `${images} ${images === 1 ? "image" : "images"}${bytes === 0 ? "" : `, ${formatSize(bytes)}`}`;
}

function toRemarks({ left_out: left, lost, without_recipe }: Exported): string {
  const leftOut = `${left === 0 ? "" : `; ${left} left out`}${lost === 0 ? "" : `; ${lost} of them known to be lost or spoilt`}`;
  return `${leftOut}${without_recipe === 0 ? "" : `; ${without_recipe} cannot carry a recipe: copied as they are`}`;
}

function refused(flag: string, message: string): RejectedError {
  return new RejectedError(`${flag}: ${message}`, { code: "invalid_request", faults: [{ field: flag, message }] });
}
