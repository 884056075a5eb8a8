// `plan`: what a run of a manifest would do, without doing it. Needs no Redis, and reads the catalog only.
import { type Command, Option } from "commander";
import type { App } from "../../app/app.ts";
import { describeFaultList } from "../../batches/manifest/faults.ts";
import { MANIFEST_FORMATS, type ManifestFormat } from "../../batches/manifest/format.ts";
import { readManifest } from "../../batches/manifest/manifest.ts";
import { openManifest } from "../../batches/manifest/open.ts";
import { forecast, type Limits } from "../../batches/plan/forecast.ts";
import { type Tallied, tallyManifest } from "../../batches/plan/tally.ts";
import { type LimitFlags, toLimits } from "../../batches/run/limits.ts";
import { catalogExists } from "../../catalog/db/migrate.ts";
import { parsePrice } from "../../domain/units.ts";
import { collect } from "../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { createProgress } from "../live-view.ts";
import { printPlan } from "../plan-text.ts";
import { keepHeapSmall } from "../small-heap.ts";
import { plain } from "../text.ts";

const EXAMPLES = `
A manifest is a file, "-" for standard input, s3://bucket/key or https://…, as JSON Lines, CSV, YAML or JSON
(docs/manifests.md). Ends with 1 when something in it is wrong, unless --skip-invalid is given.

Examples:
  $ asset-archiver plan prompts.csv
  $ asset-archiver plan night.yaml --window 01:00-06:00 --tz Europe/Berlin --budget "20 USD"
  $ asset-archiver plan s3://prompts/night.jsonl --json | jq .new
  $ generate-prompts | asset-archiver plan - --max-images 5000`;

interface Options extends LimitFlags {
  format?: ManifestFormat;
  collection?: string;
  tag?: string[];
  skipInvalid?: boolean;
  json?: boolean;
}

export function addPlanCommand(program: Command, end: (code: number) => void): void {
  program
    .command("plan")
    .description("show what a run of a manifest would do and cost, without doing it")
    .argument("<manifest>", 'a file, "-", s3://bucket/key or https://…')
    .addOption(new Option("--format <format>", "found by name and content if left out").choices(MANIFEST_FORMATS))
    .option("--collection <name>", "for items that name none")
    .option("--tag <tag>", "for items that have none; may be repeated", collect)
    .option("--skip-invalid", "go on without the items that are wrong")
    .option("--window <from-to>", "the hours of a night, such as 01:00-06:00: does it fit?")
    .option("--tz <zone>", "the window's time zone, such as Europe/Berlin (default: this machine's)")
    .option("--budget <price>", 'such as "20 USD": does it fit? Needs PRICE_PER_IMAGE')
    .option("--max-images <count>", "does it fit?")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (where: string, options: Options) => end(await runPlan(where, options)));
}

function runPlan(where: string, options: Options): Promise<number> {
  return withApp(
    async (app) => {
      const signal = interruptSignal();
      // what was typed is checked before a long file is read
      const limits = limitsOf(options, app);
      keepHeapSmall();
      const progress = createProgress(process.stderr);
      try {
        const catalog = app.catalog();
        const source = await openManifest(where, { settings: app.settings, signal });
        const { format, collection, tag: tags } = options;
        const tallied = await tallyManifest(readManifest(source, { format, collection, tags }), {
          lookUp: catalog.getManifestStatus,
          onItems: (items) => progress.show(() => `${items.toLocaleString("en")} items`),
        });
        progress.end();
        show(app, { name: source.name, tallied, limits, options });
        return tallied.faults.count > 0 && !options.skipInvalid ? EXIT.failed : EXIT.done;
      } catch (error) {
        progress.end();
        if (signal.aborted) return EXIT.interrupted;
        throw error;
      }
    },
    { saysAbsence: true },
  );
}

interface Plan {
  name: string;
  tallied: Tallied;
  limits: Limits;
  options: Options;
}

function show(app: App, plan: Plan): void {
  const { name, tallied, limits, options } = plan;
  const { tally, work, faults } = tallied;
  const { pricePerImage, generate } = app.settings;
  const pace = { ...generate, experience: app.catalog().durationHistory() };
  const future = forecast(work, { pace, pricePerImage, limits });
  if (options.json) {
    const { count: fault_count, shown } = faults;
    const { calls, images } = work;
    const catalog = catalogExists(app.settings.catalogFile) ? app.settings.catalogFile : null;
    printJson({ manifest: name, catalog, ...tally, calls, images, ...future, fault_count, faults: shown });
    return;
  }
  for (const line of describeFaultList(name, faults)) writeError(plain(line));
  if (faults.count > 0) {
    const what = options.skipInvalid ? "a run would go on without them" : "a run would enqueue nothing";
    writeError(`${faults.count.toLocaleString("en")} ${faults.count === 1 ? "fault" : "faults"}: ${what}`);
  }
  if (!catalogExists(app.settings.catalogFile))
    writeOutput(`There is no catalog at "${app.settings.catalogFile}" yet: every item counts as new`);
  printPlan(name, { tally, work, forecast: future });
}

/** The flags as a batch would record them, and as they were typed: a plan tells a budget from a number of images. */
function limitsOf(options: Options, app: App): Limits {
  const now = app.clock.now();
  const { window, tz, opens_at, closes_at } = toLimits(options, { price: app.settings.pricePerImage, now });
  const { budget, maxImages } = options;
  return {
    window: window && tz && opens_at && closes_at ? { hours: window, tz, opens_at, closes_at, now } : undefined,
    budget: budget === undefined ? undefined : parsePrice(budget),
    maxImages: maxImages === undefined ? undefined : Number(maxImages),
  };
}
