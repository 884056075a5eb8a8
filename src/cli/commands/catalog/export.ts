// `catalog export`: a line for each asset of each request, in the promised form.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import type { App } from "../../../app.ts";
import type { ListFilter } from "../../../catalog/listing.ts";
import { RejectedError, TransientError, toMessage } from "../../../errors.ts";
import { toExportLine } from "../../../report/export-line.ts";
import { addFilterFlags, type FilterFlags, toFilter } from "../../catalog-filter.ts";
import { EXIT, interruption, printJson, printSlowly, say, withApp } from "../../io.ts";
import { createProgress } from "../../live-view.ts";

const EXAMPLES = `
A file is complete or not there: it gets its name when the last line is on disk.

Examples:
  $ asset-archiver catalog export > assets.jsonl
  $ asset-archiver catalog export --collection posters --output posters.jsonl
  $ asset-archiver catalog export | jq -r 'select(.width > 1500) | .key'`;

interface Options extends FilterFlags {
  format: string;
  output?: string;
  json?: boolean;
}

export function addCatalogExport(group: Command, end: (code: number) => void): void {
  addFilterFlags(
    group.command("export").description("write a line for each archived image, with the recipe that made it"),
  )
    .option("--format <form>", "jsonl: one JSON document a line", "jsonl")
    .option("--output <file>", "write there, at once or not at all (default: standard output)")
    .option("--json", "with --output: print one JSON document that says what was written")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runExport(options)));
}

function runExport(options: Options): Promise<number> {
  if (options.format !== "jsonl") {
    throw new RejectedError(`--format: wanted jsonl, got "${options.format}"`, { code: "invalid_request" });
  }
  const filter = toFilter(options);
  return withApp(async (app) => {
    const signal = interruption();
    const { output } = options;
    const lines =
      output === undefined
        ? await writeLines(app, { filter, signal, write: printSlowly })
        : await toFile({ output, signal }, (write) => writeLines(app, { filter, signal, write }));
    if (signal.aborted) return EXIT.interrupted;
    if (output !== undefined && options.json) printJson({ output: resolve(output), lines });
    else if (process.stderr.isTTY || output !== undefined)
      say(`${lines} images${output === undefined ? "" : ` in ${output}`}`);
    return EXIT.done;
  });
}

interface Writing {
  filter: ListFilter;
  signal: AbortSignal;
  /** Resolves when there is room for the next line. */
  write(line: string): Promise<void>;
}

/** How often other work of this process gets its turn, in lines: a Ctrl-C among it. */
const TURN_EVERY_LINES = 200;

async function writeLines(app: App, { filter, signal, write }: Writing): Promise<number> {
  const progress = createProgress(process.stderr);
  let lines = 0;
  for (const image of app.catalog().listArchivedImages(filter)) {
    if (signal.aborted) break;
    await write(JSON.stringify(toExportLine(image)));
    lines += 1;
    // on a terminal the lines themselves are the progress
    if (!process.stdout.isTTY) progress.show(() => `${lines} images`);
    if (lines % TURN_EVERY_LINES === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  progress.end();
  return lines;
}

interface Target {
  output: string;
  signal: AbortSignal;
}

/** Writes beside `output` and renames at the end. What was begun and not finished is removed. */
async function toFile({ output, signal }: Target, work: (write: Writing["write"]) => Promise<number>): Promise<number> {
  const path = resolve(output);
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const stream = createWriteStream(unfinished, { flush: true });
    await once(stream, "open");
    const lines = await work(async (line) => {
      if (!stream.write(`${line}\n`)) await once(stream, "drain");
    });
    stream.end();
    await once(stream, "close");
    if (!signal.aborted) await rename(unfinished, path);
    return lines;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new TransientError(`Cannot write "${output}": ${toMessage(error)}`, { code: "output_failed", cause: error });
  } finally {
    // after a rename there is nothing left; after a failure it is reported already
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
}
