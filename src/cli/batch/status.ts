// `status --batch`: one batch, and its report made anew where that is asked for.
import type { App } from "../../app/app.ts";
import { reportKey, writeReport } from "../../batches/run/report.ts";
import { getBatchView } from "../../batches/run/view.ts";
import { EXIT, printJson, writeOutput } from "../io.ts";
import { noSuchBatch, showBatch } from "./follow.ts";

/** Prints a batch; with `report`, writes the report as it stands now and prints where it lies (with `json`, the report). */
export async function showBatchStatus(
  app: App,
  batchId: string,
  { report = false, json = false }: { report?: boolean | undefined; json?: boolean | undefined },
): Promise<number> {
  const batch = app.catalog().batches.find(batchId);
  const view = getBatchView(app, batchId);
  if (batch === undefined || view === undefined) return noSuchBatch(batchId);
  if (!report) {
    showBatch(app, view, json);
    return EXIT.done;
  }
  const written = await writeReport(app, batch);
  if (json) printJson(written);
  else writeOutput(app.store().locate(reportKey(batchId, "html")));
  return EXIT.done;
}
