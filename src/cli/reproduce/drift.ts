// `catalog reproduce --report`: what all proofs say, from the catalog alone.
import type { App } from "../../app/app.ts";
import { toDriftReport } from "../../output/report/proof-view.ts";
import { commandName, EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { driftLines } from "./drift-text.ts";

/** Prints the curves of all models, or of one. */
export function showDrift(app: App, { model, json }: { model: string | undefined; json: boolean }): number {
  const report = toDriftReport(app.catalog().reproductions.list({ model }));
  if (json) {
    printJson(report);
    return EXIT.done;
  }
  for (const line of driftLines(report, process.stdout.columns)) writeOutput(line);
  if (report.models.length === 0) {
    const what = model === undefined ? "Nothing" : `Nothing of model "${model}"`;
    writeError(`${what} has been reproduced yet; see: ${commandName()} catalog reproduce --help`);
  }
  return EXIT.done;
}
