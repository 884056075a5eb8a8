// `catalog verify`: reads back what is archived and says what is not as it was; repairs it only when asked to.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { parseDuration, parseRate } from "../../../domain/units.ts";
import { createInspector } from "../../../image/inspect.ts";
import { createDownloader } from "../../../image-api/download.ts";
import { listRepairs, type Repaired, repair, undoRepair } from "../../../maintenance/repair.ts";
import { toMaxImages } from "../../../maintenance/reproduce/budget.ts";
import { remakeLost } from "../../../maintenance/reproduce/remake.ts";
import { type Checked, type Verified, type VerifyOptions, verify } from "../../../maintenance/verify.ts";
import { toCount } from "../../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { createProgress } from "../../live-view.ts";

const EXAMPLES = `
Every asset's bytes are read, hashed and decoded, the longest unproven first; then every sidecar is compared, and the
store's names are looked through for what the catalog does not know. With MIRROR_URL, second copies are read back, too. A run that is cut short goes on where it was.
Without --repair nothing in the store is changed. With it, images come from the mirror, else from the provider's address
while it lives; what is doubtful is set aside under quarantine/. A repair of more than 1 % of what was read wants --yes.
With --remake, images without any good copy are made again of their recipes, which is paid and needs a worker; what comes
stands beside the lost ones under a request of its own, and only what is the same to the byte takes their place. What came out
different before is not paid for again without --again.

Examples:
  $ asset-archiver catalog verify
  $ asset-archiver catalog verify --for 1h --rate 20/s
  $ asset-archiver catalog verify --sample 200 --json
  $ asset-archiver catalog verify --repair
  $ asset-archiver catalog verify --repair --remake "2 USD"
  $ asset-archiver catalog verify --undo 20261123T074500Z-1a2b3c4d`;

interface Options {
  sample?: string;
  oldest?: string;
  for?: string;
  rate?: string;
  repair?: boolean;
  yes?: boolean;
  remake?: string;
  again?: boolean;
  undo?: string;
  json?: boolean;
}

export function addCatalogVerify(group: Command, end: (code: number) => void): void {
  group
    .command("verify")
    .description("read back what is archived, and report what is missing, corrupt or unknown")
    .option("--sample <count>", "so many assets by chance")
    .option("--oldest <count>", "so many assets, the longest unproven")
    .option("--for <duration>", "begin no more after so long, such as 1h; the next run goes on")
    .option("--rate <rate>", "at most so many assets, such as 20/s")
    .option("--repair", "mend what was found")
    .option("--yes", "mend it even where that touches more than 1 %")
    .option("--remake <budget>", 'with --repair: ask for lost images again, for so many images or such as "2 USD"')
    .option("--again", "with --remake: pay again, too, for what came out different before, or is still being made")
    .option("--undo <run>", "put back what a repair has set aside")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await withApp((app) => runVerify(app, options), { ownStore: true })));
}

/** A repair that touches a larger share than this stops and asks. */
const SHARE_MAX = 0.01;

async function runVerify(app: App, options: Options): Promise<number> {
  const wanted = toOptions(options);
  const maxImages = toRemake(options, app);
  const signal = interruptSignal();
  if (options.undo !== undefined) return runUndo(app, { ...options, undo: options.undo, signal });
  const progress = createProgress(process.stderr);
  const run = { options, wanted, maxImages, signal, progress, read: 0 };
  try {
    return await verifyAndMend(app, run);
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    writeError(`Interrupted; ${run.read} assets were read, and the next run goes on with the others`);
    return EXIT.interrupted;
  }
}

interface Run {
  options: Options;
  wanted: VerifyOptions;
  maxImages: number | undefined;
  signal: AbortSignal;
  progress: ReturnType<typeof createProgress>;
  /** Assets so far. */
  read: number;
}

async function verifyAndMend(app: App, run: Run): Promise<number> {
  const { options, maxImages, signal, progress } = run;
  const { clock } = app;
  const mirror = app.mirror();
  const parts = { catalog: app.catalog(), store: app.store(), mirror, inspect: createInspector(), clock, signal };
  const onProgress = ({ assets, sidecars, findings }: Checked) => {
    run.read = assets;
    progress.show(() => `${assets} assets, ${sidecars} sidecars, ${findings} findings`);
  };
  const verified = await verify({ ...parts, onProgress }, run.wanted);
  progress.end();
  if (!options.repair || verified.found.length === 0) return tell({ verified, options });
  const { findings } = verified;
  const read = verified.assets + verified.sidecars;
  if (!options.yes && findings > SHARE_MAX * read) {
    const code = tell({ verified, options });
    writeError(
      `To mend this, ${findings} of ${read} keys would be touched: more than 1 %. Is it the right store? Then add --yes`,
    );
    return code;
  }
  const mended = await mend(app, { ...parts, verified });
  if (maxImages === undefined) return tell({ verified, options, run: mended });
  const onLook = ({ ended, of }: { ended: number; of: number }) =>
    progress.show(() => `asked again for ${of} requests, ${ended} have ended`);
  const repaired = await remakeLost(app, mended.repaired, {
    maxImages,
    again: options.again ?? false,
    signal,
    onLook,
  });
  progress.end();
  return tell({ verified, options, run: { ...mended, repaired } });
}

async function mend(
  app: App,
  { verified, ...parts }: Omit<Parameters<typeof repair>[0], "downloader"> & { verified: Verified },
): ReturnType<typeof repair> {
  const { imageMaxBytes: maxBytes, privateImageHosts: privateHosts, proxy } = app.settings;
  const downloader = createDownloader({ maxBytes, privateHosts, proxy, connections: 4 });
  app.onClose(() => downloader.close());
  // told first, so that also a run that is cut short can be undone
  const onBegin = (runId: string) => writeError(`Repairing as run ${runId}`);
  return repair({ ...parts, downloader, onBegin }, verified.found);
}

function toOptions(options: Options): VerifyOptions {
  if (options.sample !== undefined && options.oldest !== undefined)
    throw new RejectedError("catalog verify: wanted --sample or --oldest, not both", { code: "invalid_request" });
  return {
    sample: options.sample === undefined ? undefined : toCount(options.sample, "--sample"),
    oldest: options.oldest === undefined ? undefined : toCount(options.oldest, "--oldest"),
    forMs: read(options.for, { flag: "--for", parse: parseDuration, wanted: "a duration such as 1h" }),
    rate: read(options.rate, { flag: "--rate", parse: parseRate, wanted: "a rate such as 20/s" }),
  };
}

function toRemake({ remake, again, repair: mends }: Options, app: App): number | undefined {
  if (again && remake === undefined)
    throw new RejectedError("--again: expected with --remake", { code: "invalid_request" });
  if (remake === undefined) return undefined;
  if (!mends) throw new RejectedError("--remake: wanted with --repair", { code: "invalid_request" });
  return toMaxImages(remake, { flag: "--remake", price: app.settings.pricePerImage });
}

function read<T>(
  text: string | undefined,
  { flag, parse, wanted }: { flag: string; parse: (text: string) => T | undefined; wanted: string },
): T | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  const message = `wanted ${wanted}, got "${text}"`;
  throw new RejectedError(`${flag}: ${message}`, { code: "invalid_request", faults: [{ field: flag, message }] });
}

interface Told {
  verified: Verified;
  options: Options;
  run?: { run_id: string; repaired: Repaired[] };
}

function tell({ verified, options, run }: Told): number {
  const left = run === undefined ? verified.findings : run.repaired.filter((one) => one.left !== null).length;
  if (options.json) printJson({ ...verified, repair: run ?? null });
  else {
    const { assets, of, sidecars, findings, complete } = verified;
    writeOutput(
      `${assets} of ${of} assets and ${sidecars} sidecars read, ${findings} finding${findings === 1 ? "" : "s"}${complete ? "" : " (not all was read)"}`,
    );
    if (run === undefined)
      for (const { kind, key, reason } of verified.found) writeOutput(`  ${kind}  ${key}: ${reason}`);
    else tellRepairs(run);
  }
  return left === 0 ? EXIT.done : EXIT.failed;
}

function tellRepairs({ run_id, repaired }: { run_id: string; repaired: Repaired[] }): void {
  for (const { kind, key, by, left } of repaired) writeOutput(`  ${kind}  ${key}: ${left ?? `mended (${by})`}`);
  if (repaired.some((one) => one.quarantined !== null))
    writeOutput(
      `What was doubtful lies under quarantine/${run_id}/; to put it back: asset-archiver catalog verify --undo ${run_id}`,
    );
}

async function runUndo(
  app: App,
  { undo, json, signal }: { undo: string; json?: boolean; signal: AbortSignal },
): Promise<number> {
  if (!/^[\w-]+$/.test(undo))
    throw new RejectedError(`--undo: wanted the id of a repair, got "${undo}"`, { code: "invalid_request" });
  const undone = await undoRepair({ store: app.store(), signal }, undo);
  if (json) printJson({ undone });
  else for (const { key, restored, reason } of undone) writeOutput(`${key}: ${restored ? "put back" : reason}`);
  if (undone.length === 0) {
    const runs = await listRepairs({ store: app.store(), signal });
    writeError(
      `Nothing lies under quarantine/${undo}/; ${runs.length === 0 ? "nor under any run" : `runs: ${runs.join(", ")}`}`,
    );
  }
  return undone.length === 0 ? EXIT.failed : EXIT.done;
}
