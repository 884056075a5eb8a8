// `plan`: what a run of a manifest would do, without doing it. Needs no Redis, and reads the catalog only.
import { type Command, Option } from "commander";
import type { App } from "../../app.ts";
import { isTimeZone, localTimeZone, occurrenceAt, parseWindow } from "../../batch/window.ts";
import { RejectedError } from "../../errors.ts";
import { describeFaultList } from "../../manifest/faults.ts";
import { MANIFEST_FORMATS, type ManifestFormat } from "../../manifest/format.ts";
import { readManifest } from "../../manifest/manifest.ts";
import { openManifest } from "../../manifests.ts";
import { forecast, type Limits } from "../../plan/forecast.ts";
import { type Tallied, tallyManifest } from "../../plan/tally.ts";
import { type Price, parsePrice, showPrice } from "../../units.ts";
import { EXIT, interruption, printJson, say, withApp } from "../io.ts";
import { printPlan } from "../plan-text.ts";
import { plain } from "../text.ts";

const EXAMPLES = `
A manifest is a file, "-" for standard input, s3://bucket/key or https://…, as JSON Lines, CSV, YAML or JSON
(docs/manifests.md). Ends with 1 when something in it is wrong, unless --skip-invalid is given.

Examples:
  $ asset-archiver plan prompts.csv
  $ asset-archiver plan night.yaml --window 01:00-06:00 --tz Europe/Berlin --budget "20 USD"
  $ asset-archiver plan s3://prompts/night.jsonl --json | jq .new
  $ generate-prompts | asset-archiver plan - --max-images 5000`;

interface Options {
  format?: ManifestFormat;
  collection?: string;
  skipInvalid?: boolean;
  window?: string;
  tz?: string;
  budget?: string;
  maxImages?: string;
  json?: boolean;
}

export function addPlanCommand(program: Command, end: (code: number) => void): void {
  program
    .command("plan")
    .description("show what a run of a manifest would do and cost, without doing it")
    .argument("<manifest>", 'a file, "-", s3://bucket/key or https://…')
    .addOption(new Option("--format <format>", "found by name and content if left out").choices(MANIFEST_FORMATS))
    .option("--collection <name>", "for items that name none")
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
  return withApp(async (app) => {
    const signal = interruption();
    const limits = toLimits(options, app);
    try {
      const source = await openManifest(where, { settings: app.settings, signal });
      const { format, collection } = options;
      const { lookUp } = app.catalog();
      const tallied = await tallyManifest(readManifest(source, { format, collection }), { lookUp, onItems: progress });
      progress(undefined);
      show(app, { name: source.name, tallied, limits, options });
      return tallied.faults.count > 0 && !options.skipInvalid ? EXIT.failed : EXIT.done;
    } catch (error) {
      progress(undefined);
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

function show(app: App, plan: { name: string; tallied: Tallied; limits: Limits; options: Options }): void {
  const { name, tallied, limits, options } = plan;
  const { tally, work, faults } = tallied;
  const { pricePerImage, generate } = app.settings;
  const pace = { ...generate, experience: app.catalog().experience() };
  const future = forecast(work, { pace, pricePerImage, limits });
  if (options.json) {
    const { count: fault_count, shown } = faults;
    const { calls, images } = work;
    printJson({ manifest: name, ...tally, calls, images, ...future, fault_count, faults: shown });
    return;
  }
  for (const line of describeFaultList(name, faults)) say(plain(line));
  if (faults.count > 0) {
    const what = options.skipInvalid ? "a run would go on without them" : "a run would enqueue nothing";
    say(`${faults.count.toLocaleString("en")} ${faults.count === 1 ? "fault" : "faults"}: ${what}`);
  }
  printPlan(name, { tally, work, forecast: future });
}

function toLimits(options: Options, app: App): Limits {
  const { window, tz = localTimeZone(), budget, maxImages } = options;
  return {
    window: window === undefined ? undefined : toWindow(window, { tz, now: app.clock.now() }),
    budget: budget === undefined ? undefined : toBudget(budget, app.settings.pricePerImage),
    maxImages: maxImages === undefined ? undefined : toCount(maxImages),
  };
}

function toWindow(hours: string, { tz, now }: { tz: string; now: number }): Limits["window"] {
  if (!isTimeZone(tz)) throw wrong(`--tz: wanted a time zone such as Europe/Berlin, got "${tz}"`);
  const window = parseWindow(hours, tz);
  if (window === undefined) throw wrong(`--window: wanted two times such as 01:00-06:00, got "${hours}"`);
  return { hours, tz, now, ...occurrenceAt(window, now) };
}

function toBudget(text: string, pricePerImage: Price | undefined): Price {
  const budget = parsePrice(text);
  if (budget === undefined) throw wrong(`--budget: wanted a price such as "20 USD", got "${text}"`);
  if (pricePerImage === undefined) throw wrong("--budget: wanted PRICE_PER_IMAGE to be set, such as 0.02 USD");
  if (budget.currency === pricePerImage.currency) return budget;
  throw wrong(`--budget: wanted ${pricePerImage.currency}, as PRICE_PER_IMAGE (${showPrice(pricePerImage)}) has it`);
}

function toCount(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw wrong(`--max-images: wanted a whole number, got "${text}"`);
}

function wrong(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}

const NEWS_EVERY = 10_000;

/** One line on a terminal that is written over again and again; undefined wipes it. */
function progress(items: number | undefined): void {
  if (!process.stderr.isTTY) return;
  if (items === undefined) process.stderr.write("\r\u001b[K");
  else if (items % NEWS_EVERY < 500) process.stderr.write(`\r${items.toLocaleString("en")} items`);
}
