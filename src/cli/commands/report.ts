// `report`: the report of a batch as one page, wherever its store is.
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { renderReport } from "../../batches/run/report.ts";
import { writeFileAtomically } from "../../output/export/atomic-output.ts";
import { noSuchBatch } from "../batch/follow.ts";
import { EXIT, interruptSignal, withApp, writeOutput, writeSlowly } from "../io.ts";

const EXAMPLES = `
The page needs nothing else: its pictures are inside. Where the store is a folder, they link to the whole images.

Examples:
  $ asset-archiver report autumn-20261123-1f3a --output report.html
  $ asset-archiver report autumn-20261123-1f3a > report.html`;

export function addReportCommand(program: Command, end: (code: number) => void): void {
  program
    .command("report")
    .description("write the report of a batch, as it stands now, as one HTML page")
    .argument("<batch>")
    .option("--output <path>", "write there (default: standard output)")
    .addHelpText("after", EXAMPLES)
    .action(async (batch: string, options: { output?: string }) => end(await runReport(batch, options)));
}

function runReport(batchId: string, { output }: { output?: string }): Promise<number> {
  return withApp(async (app) => {
    const batch = app.catalog().batches.find(batchId);
    if (batch === undefined) return noSuchBatch(batchId);
    const html = await renderReport(app, batch, ({ key }) => {
      const path = app.store().locate(key);
      return path.startsWith("/") ? pathToFileURL(path).href : undefined;
    });
    if (output === undefined) await writeSlowly(html);
    else {
      await writeFileAtomically({ output, signal: interruptSignal() }, (sink) => Promise.resolve(sink.write(html)));
      writeOutput(output);
    }
    return EXIT.done;
  });
}
