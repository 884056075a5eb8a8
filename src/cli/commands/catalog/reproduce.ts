// `catalog reproduce`: asks for recipes again, compares what comes with what is archived, and tells what all such proofs
// say together. What it costs is told, and bounded, before anything is asked for.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { askAgain, askWithin, findOriginal, type Original, REPRODUCTIONS } from "../../../maintenance/reproduce/ask.ts";
import { toMaxImages } from "../../../maintenance/reproduce/budget.ts";
import { chooseSample } from "../../../maintenance/reproduce/choose.ts";
import { toCount } from "../../catalog-filter.ts";
import { EXIT, interruptSignal, withApp, writeError } from "../../io.ts";
import { showDrift } from "../../reproduce/drift.ts";
import { checkFlags, type ReproduceFlags, wrong } from "../../reproduce/flags.ts";
import { followAndShow } from "../../reproduce/follow.ts";
import { showPlan, writeCost } from "../../reproduce/plan.ts";

const EXAMPLES = `
The recipe is asked for again, by a request of its own that is paid like any other and needs a worker; what comes is
compared image by image: identical bytes, identical pixels, near (what an eye would hardly see), drifted. Nothing is ever
overwritten. Each proof is recorded with its date; --report draws the curve of all of them and calls no API: from which
day on originals are no longer reproduced as they were.

Examples:
  $ asset-archiver catalog reproduce fox-1
  $ asset-archiver catalog reproduce --sample 20 --dry-run
  $ asset-archiver catalog reproduce --sample 20 --budget "0.50 USD"
  $ asset-archiver catalog reproduce --sample 50 --budget 60 --model Qwen/Qwen-Image --json
  $ asset-archiver catalog reproduce --report`;

/** A larger sample is a matter for a manifest. */
const SAMPLE_MAX = 500;

export function addCatalogReproduce(group: Command, end: (code: number) => void): void {
  group
    .command("reproduce")
    .description("ask for recipes again, and compare what comes with what is archived")
    .argument("[request_id...]")
    .option("--sample <count>", "so many archived requests, spread over the archive's time, instead of named ones")
    .option("--budget <limit>", 'never call for more: images, or money such as "2 USD"; wanted with --sample')
    .option("--model <name>", "with --sample and --report: only this model")
    .option("--collection <name>", "where what is made belongs", REPRODUCTIONS)
    .option("--dry-run", "show what would be asked for and what it would cost")
    .option("--report", "what all proofs so far say, over the time at which their originals were made")
    .option("--json", "one JSON line for each reproduction; one document with --dry-run and --report")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: ReproduceFlags) => end(await run(ids, options)));
}

function run(ids: string[], options: ReproduceFlags): Promise<number> {
  checkFlags(ids, options);
  return withApp(async (app) => {
    const { report, model, json = false } = options;
    if (report) return showDrift(app, { model, json });
    const { originals, maxImages } = await choose(app, ids, options);
    if (options.dryRun) return showPlan(app, { originals, maxImages, json });
    if (originals.length === 0) {
      writeError("There is nothing that could be reproduced within these limits");
      return EXIT.failed;
    }
    return ask(app, originals, { maxImages, collection: options.collection, json });
  });
}

interface Chosen {
  originals: Original[];
  maxImages: number | undefined;
}

async function choose(app: App, ids: readonly string[], options: ReproduceFlags): Promise<Chosen> {
  const { sample, budget, model } = options;
  const price = app.settings.pricePerImage;
  const maxImages = budget === undefined ? undefined : toMaxImages(budget, { flag: "--budget", price });
  const wanted = sample === undefined ? [...new Set(ids)] : pickSample(app, { sample, model, maxImages });
  const originals: Original[] = [];
  for (const id of wanted) originals.push(await findOriginal(app, id));
  const images = originals.reduce((sum, { recipe }) => sum + recipe.n, 0);
  if (maxImages !== undefined && images > maxImages)
    throw wrong(
      `--budget: wanted at least ${images} images for these requests, got ${maxImages}; nothing was asked for`,
    );
  return { originals, maxImages };
}

function pickSample(
  app: App,
  {
    sample,
    model,
    maxImages = Number.POSITIVE_INFINITY,
  }: { sample: string; model?: string | undefined; maxImages?: number | undefined },
): string[] {
  const count = toCount(sample, "--sample");
  if (count > SAMPLE_MAX) throw wrong(`--sample: wanted at most ${SAMPLE_MAX}, got ${count}`);
  const candidates = app.catalog().reproductions.candidates({ spans: count, perSpan: count, model });
  return chooseSample(candidates, { count, spans: count, maxImages }).map(({ request_id }) => request_id);
}

async function ask(
  app: App,
  originals: readonly Original[],
  { maxImages, collection, json }: { maxImages: number | undefined; collection: string; json: boolean },
): Promise<number> {
  const signal = interruptSignal();
  writeCost(app, { originals, maxImages });
  const asked =
    maxImages === undefined
      ? { ids: await askAgain(app, originals, { collection }), batchId: undefined }
      : await askWithin(app, originals, { collection, maxImages });
  return followAndShow(app, asked, { signal, json });
}
