// The report of a batch: gathered from the catalog, rendered, and written to the store; once for each time it comes to rest.
import { createHash } from "node:crypto";
import type { App } from "../../app/app.ts";
import type { Batch } from "../../domain/batch.ts";
import { batchSidecarBytes, batchSidecarKey, EXISTING_ITEMS_MAX } from "../../domain/batch-sidecar.ts";
import type { Json } from "../../domain/request/canonical-json.ts";
import { readThumbnail } from "../../image/read-thumbnail.ts";
import { archivedText } from "../../output/report/batch-archived.ts";
import { type HtmlOptions, toBatchHtml } from "../../output/report/batch-html.ts";
import { toBatchMarkdown } from "../../output/report/batch-markdown.ts";
import { type BatchReport, toBatchReport } from "../../output/report/batch-report.ts";
import { getHoldReason, reportKeyFor } from "./report-trigger.ts";

/** Pictures on the contact sheet, and ids named for each reason of failure. */
const SHEET_IMAGES = 200;
const NAMED_IDS = 100;

/** Where the pages of a report lie in the store. */
export function reportKey(batchId: string, form: "json" | "md" | "html"): string {
  return `reports/${batchId}/report.${form}`;
}

/**
 * Writes the report of a rest, unless it has been written or somebody is at it. One that a kill cut short is written again
 * by whoever looks next. Returns the report where it was this call that wrote it.
 */
export async function reportBatch(
  app: App,
  { batch, rest }: { batch: Batch; rest: string },
): Promise<BatchReport | undefined> {
  const { batches } = app.catalog();
  if (!(await batches.claimReport(batch.batch_id, rest))) return undefined;
  const report = await writeReport(app, batch);
  const { sheet: _, ...result } = report;
  const key = reportKey(batch.batch_id, "html");
  await batches.recordReport(batch.batch_id, { rest, key, result: result as unknown as Json });
  await writeBatchSidecar(app, batch.batch_id);
  const fields = {
    batch_id: batch.batch_id,
    state: report.state,
    archived: archivedText(report.archived),
    failed: report.requests.failed,
  };
  app.log.info({ ...fields, report: app.store().locate(key) }, "a batch has come to rest");
  return report;
}

/** Writes the sidecar of a batch as its row is now, so that a rebuilt catalog has it as it came to rest. */
export async function writeBatchSidecar(app: App, batchId: string): Promise<void> {
  const batch = app.catalog().batches.find(batchId);
  if (batch === undefined) return;
  const existing = app.catalog().batches.listExistingItems(batchId, EXISTING_ITEMS_MAX + 1);
  const bytes = batchSidecarBytes(batch, existing);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const key = batchSidecarKey(batchId);
  await app.store().put(key, bytes, { contentType: "application/json", digest });
  await app.catalog().integrity.queueMirror(key);
}

/** The report of a batch that has come to rest, if it is owed. */
export async function reportIfDue(app: App, batchId: string): Promise<void> {
  const catalog = app.catalog();
  const batch = catalog.batches.find(batchId);
  const rest = batch && reportKeyFor(batch, { catalog, now: app.clock.now() });
  if (batch && rest && rest !== batch.reported) await reportBatch(app, { batch, rest });
}

/** Writes the report of a batch as it stands now, at rest or not. */
export async function writeReport(app: App, batch: Batch): Promise<BatchReport> {
  const report = await gatherReport(app, batch);
  const thumbnails = await makeThumbnails(app, report);
  await put(app, {
    batch,
    form: "json",
    text: `${JSON.stringify(report, null, 2)}\n`,
    contentType: "application/json",
  });
  await put(app, { batch, form: "md", text: toBatchMarkdown(report), contentType: "text/markdown; charset=utf-8" });
  const html = toBatchHtml(report, { thumbnails, link: ({ key }) => `../../${key}` });
  await put(app, { batch, form: "html", text: html, contentType: "text/html; charset=utf-8" });
  return report;
}

/** The report of a batch as it stands now, as one page that needs nothing else; nothing is written. */
export async function renderReport(app: App, batch: Batch, link: HtmlOptions["link"]): Promise<string> {
  const report = await gatherReport(app, batch);
  return toBatchHtml(report, { thumbnails: await makeThumbnails(app, report), link });
}

async function gatherReport(app: App, batch: Batch): Promise<BatchReport> {
  const catalog = app.catalog();
  const { batch_id } = batch;
  const { reasons, ...survey } = await catalog.batches.statistics(batch_id, { sheet: SHEET_IMAGES, ids: NAMED_IDS });
  const now = app.clock.now();
  return toBatchReport({
    batch,
    held: getHoldReason(batch, { catalog, now }),
    now,
    ...catalog.batches.stats(batch_id),
    ...survey,
    failures: reasons.map(({ number: items, ...reason }) => ({ ...reason, items })),
  });
}

/** A report without a picture is better than none: what cannot be read is left out. */
async function makeThumbnails(app: App, report: BatchReport): Promise<Map<string, string>> {
  const thumbnails = new Map<string, string>();
  for (const asset of report.sheet) {
    const { digest } = asset;
    if (thumbnails.has(digest)) continue;
    const small = await readThumbnail({ store: app.store() }, asset);
    if (small) thumbnails.set(digest, `data:image/webp;base64,${small.toString("base64")}`);
  }
  return thumbnails;
}

interface Page {
  batch: Batch;
  form: "json" | "md" | "html";
  text: string;
  contentType: string;
}

async function put(app: App, { batch, form, text, contentType }: Page): Promise<void> {
  const bytes = Buffer.from(text);
  const digest = createHash("sha256").update(bytes).digest("hex");
  await app.store().put(reportKey(batch.batch_id, form), bytes, { contentType, digest });
}
