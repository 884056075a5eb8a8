// `bulk`: a whole manifest into the queue, or on with a batch that was held.
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { type Command, Option } from "commander";
import type { App } from "../../app/app.ts";
import type { ManifestSource } from "../../batches/manifest/entry.ts";
import { describeFaultList } from "../../batches/manifest/faults.ts";
import { MANIFEST_FORMATS, type ManifestFormat } from "../../batches/manifest/format.ts";
import { openManifest } from "../../batches/manifest/open.ts";
import { checkManifest, type ManifestCheck } from "../../batches/run/check-manifest.ts";
import { enqueueManifest } from "../../batches/run/enqueue.ts";
import { type ItemSpool, openItemSpool } from "../../batches/run/item-spool.ts";
import { LIFTED, type LimitFlags, toLimits } from "../../batches/run/limits.ts";
import { resumeBatch } from "../../batches/run/resume.ts";
import { getBatchView } from "../../batches/run/view.ts";
import type { BatchChange } from "../../catalog/batches/batches.ts";
import { RejectedError } from "../../domain/errors.ts";
import { httpUrlFault } from "../../domain/request/http-url.ts";
import { noSuchBatch, resumeHint, showBatch, waitForBatch } from "../batch/follow.ts";
import { batchLine } from "../batch/text.ts";
import { collect } from "../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { createProgress } from "../live-view.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";
import { keepHeapSmall } from "../small-heap.ts";

const EXAMPLES = `
Run it again and only what is missing is made: what was archived is left alone, what failed is tried again, and a run that
was interrupted goes on. Nothing is enqueued while something in the manifest is wrong, unless --skip-invalid is given.
A window is daily: at its end nothing new is started, and the batch goes on by itself when it opens again.

Examples:
  $ asset-archiver bulk prompts.csv --wait
  $ asset-archiver bulk night.yaml --window 01:00-06:00 --tz Europe/Berlin --budget "20 USD"
  $ generate-prompts | asset-archiver bulk - --name autumn --collection autumn --tag draft
  $ asset-archiver bulk --resume autumn-20261123-1f3a --max-images 5000
  $ asset-archiver bulk --list`;

interface Options extends LimitFlags, NewCatalogFlag {
  format?: ManifestFormat;
  name?: string;
  collection?: string;
  tag?: string[];
  skipInvalid?: boolean;
  webhookUrl?: string;
  wait?: boolean;
  resume?: string;
  pause?: string;
  list?: boolean;
  json?: boolean;
}

export function addBulkCommand(program: Command, end: (code: number) => void): void {
  program
    .command("bulk")
    .description("enqueue a whole manifest: thousands of prompts, at a lower priority than single requests")
    .argument("[manifest]", 'a file, "-", s3://bucket/key or https://…')
    .addOption(new Option("--format <format>", "found by name and content if left out").choices(MANIFEST_FORMATS))
    .option("--name <name>", "the name of the batch (default: that of the file)")
    .option("--collection <name>", "for items that name none")
    .option("--tag <tag>", "for items that have none; may be repeated", collect)
    .option("--skip-invalid", "go on without the items that are wrong")
    .option("--window <from-to>", 'start calls only in these hours, such as 01:00-06:00; "none" lifts it')
    .option("--tz <zone>", "the window's time zone, such as Europe/Berlin (default: this machine's)")
    .option("--budget <price>", 'never spend more, such as "20 USD"; needs PRICE_PER_IMAGE; "none" lifts it')
    .option("--max-images <count>", 'never call for more images than this; "none" lifts it')
    .option("--webhook-url <url>", "told when the batch has come to rest")
    .option("--wait", "wait until every item has ended; exits 1 when some failed")
    .option("--resume <batch>", "on with a batch that was held or paused, under new limits where given")
    .option("--pause <batch>", "start nothing new of a batch until it is resumed")
    .option("--list", "the latest batches")
    .option(...NEW_CATALOG_OPTION)
    .option("--json", "one JSON document (with --list: one line for each)")
    .addHelpText("after", EXAMPLES)
    .action(async (where: string | undefined, options: Options) => end(await runBulk(where, options)));
}

function runBulk(where: string | undefined, options: Options): Promise<number> {
  return withApp(
    async (app) => {
      const signal = interruptSignal();
      if (options.list) return listBatches(app, options);
      if (options.resume !== undefined) return change(app, options.resume, { options, signal, paused: false });
      if (options.pause !== undefined) return change(app, options.pause, { options, signal, paused: true });
      if (where === undefined) throw wrong("bulk: wanted a manifest, --resume <batch>, --pause <batch> or --list");
      return enqueue(app, where, { options, signal });
    },
    { saysAbsence: true },
  );
}

interface Run {
  options: Options;
  signal: AbortSignal;
}

async function enqueue(app: App, where: string, run: Run): Promise<number> {
  const { options, signal } = run;
  keepHeapSmall();
  // what was typed is checked before a long file is read
  const limits = limitsOf(app, options);
  const source = await openManifest(where, { settings: app.settings, signal }).catch((error) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (source === undefined) return EXIT.interrupted;
  await app.prepare({ newCatalog: options.newCatalog ?? false, checkStore: false });
  // its thread starts on another core while the manifest is read
  app.recorder();
  const kept = await openItemSpool();
  try {
    const check = await checked(app, source, { ...run, kept });
    if (check === undefined) return signal.aborted ? EXIT.interrupted : EXIT.failed;
    return await begin(app, check, { ...run, kept, limits });
  } finally {
    await kept.remove();
  }
}

async function checked(
  app: App,
  source: ManifestSource,
  { options, signal, kept }: Run & { kept: ItemSpool },
): Promise<ManifestCheck | undefined> {
  const progress = createProgress(process.stderr);
  const check = await checkManifest(source, {
    kept,
    catalog: app.catalog(),
    manifest: manifestOptions(options),
    signal,
    onProgress: (items) => progress.show(() => `checking: ${items.toLocaleString("en")} items`),
  }).catch((error) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  progress.end();
  if (check === undefined) return undefined;
  for (const line of describeFaultList(check.name, check.faults)) writeError(line);
  if (check.invalid === 0 || options.skipInvalid) return check;
  writeError(
    `${check.invalid.toLocaleString("en")} of ${check.items.toLocaleString("en")} items are wrong: nothing was enqueued (--skip-invalid goes on without them)`,
  );
  return undefined;
}

async function begin(
  app: App,
  check: ManifestCheck,
  run: Run & { kept: ItemSpool; limits: BatchChange },
): Promise<number> {
  const { options, signal, kept, limits } = run;
  const progress = createProgress(process.stderr);
  const name = options.name ?? nameOf(check.name);
  let begun = "";
  const { batch, goesOn } = await enqueueManifest(app, {
    kept,
    check,
    manifest: manifestOptions(options),
    batch: { batch_id: newBatchId(name, app.clock.now()), name, schedule: null, ...limits },
    signal,
    onProgress: ({ batch_id }, items) => {
      begun = batch_id;
      progress.show(
        () => `enqueuing ${batch_id}: ${items.toLocaleString("en")} of ${check.items.toLocaleString("en")}`,
      );
    },
  }).finally(() => progress.end());
  if (batch.state === "enqueuing") {
    writeError(`Interrupted: run the same command again to enqueue the rest of batch ${begun}`);
    return EXIT.interrupted;
  }
  if (goesOn && !options.json) writeError(`This manifest is in batch ${batch.batch_id} already: it goes on`);
  if (options.wait) return waitForBatch(app, batch.batch_id, { signal, json: options.json });
  const view = getBatchView(app, batch.batch_id);
  if (view !== undefined) showBatch(app, view, options.json);
  if (!options.json && process.stderr.isTTY) writeError(resumeHint(batch.batch_id));
  return EXIT.done;
}

async function change(app: App, batchId: string, run: Run & { paused: boolean }): Promise<number> {
  const { options, signal, paused } = run;
  const changed = await resumeBatch(app, batchId, { paused, ...limitsOf(app, options) });
  if (changed === undefined) return noSuchBatch(batchId);
  if (options.wait) return waitForBatch(app, batchId, { signal, json: options.json });
  const view = getBatchView(app, batchId);
  if (view !== undefined) showBatch(app, view, options.json);
  return EXIT.done;
}

function listBatches(app: App, { json }: Options): number {
  for (const { batch_id } of app.catalog().batches.list()) {
    const view = getBatchView(app, batch_id);
    if (view === undefined) continue;
    if (json) printJson(view);
    else writeOutput(batchLine(view));
  }
  return EXIT.done;
}

function limitsOf(app: App, options: Options): BatchChange {
  const price = app.settings.pricePerImage;
  const { webhookUrl } = options;
  const webhookFault = webhookUrl === undefined || webhookUrl === LIFTED ? undefined : httpUrlFault(webhookUrl);
  if (webhookFault !== undefined) throw wrong(`--webhook-url: ${webhookFault}`);
  return {
    ...toLimits(options, { price, now: app.clock.now() }),
    ...(webhookUrl === undefined ? {} : { webhook_url: webhookUrl === LIFTED ? null : webhookUrl }),
    ...(price === undefined ? {} : { price_micros: price.micros, price_currency: price.currency }),
  };
}

function manifestOptions({ format, collection, tag: tags }: Options) {
  return { format, collection, tags };
}

/** The file's name without its ending. */
function nameOf(manifest: string): string {
  if (manifest === "standard input") return "stdin";
  const path = URL.parse(manifest)?.pathname ?? manifest;
  return basename(path).replace(/\.(jsonl|ndjson|json|ya?ml|csv|tsv)$/i, "") || "batch";
}

/** The name, the day, and four characters so that two of a day are two. */
function newBatchId(name: string, now: number): string {
  const slug = name.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || "batch";
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  return `${slug}-${day}-${randomBytes(2).toString("hex")}`;
}

function wrong(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}
