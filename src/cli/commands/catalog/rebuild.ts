// `catalog rebuild`: a new catalog from the store alone, swapped in when it is complete.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { openCatalog } from "../../../catalog/catalog.ts";
import { ConfigError } from "../../../domain/errors.ts";
import { createInspector } from "../../../image/inspect.ts";
import {
  compareWithOld,
  installRebuilt,
  type Rebuilt,
  rebuildTo,
  removeDatabase,
} from "../../../maintenance/rebuild.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { createProgress } from "../../live-view.ts";

const EXAMPLES = `
Reads every sidecar and the names of all images. The old catalog stays beside the new one, as …before-rebuild-<time>.
Requests that the store does not hold (unfinished ones, and those that never made a call) are named; with such, only
--yes swaps the new catalog in.

Examples:
  $ asset-archiver catalog rebuild
  $ asset-archiver catalog rebuild --output /tmp/again.db --json`;

interface Options {
  output?: string;
  yes?: boolean;
  json?: boolean;
}

export function addCatalogRebuild(group: Command, end: (code: number) => void): void {
  group
    .command("rebuild")
    .description("make a new catalog from what the store holds")
    .option("--output <file>", "write it there, and leave the catalog in use alone")
    .option("--yes", "swap it in even though it lacks requests that the old one knows")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await withApp((app) => runRebuild(app, options), { saysAbsence: true })));
}

async function runRebuild(app: App, options: Options): Promise<number> {
  const file = resolve(app.settings.catalogFile);
  if (options.output === undefined) refuseWhileWorkersLive(file);
  const target = options.output === undefined ? `${file}.rebuilding` : resolve(options.output);
  if (options.output === undefined) removeDatabase(target);
  const signal = interruptSignal();
  const progress = createProgress(process.stderr);
  const parts = {
    store: app.store(),
    clock: app.clock,
    inspect: createInspector(),
    file,
    signal,
    onProgress: (done: { sidecars: number; objects: number }) =>
      progress.show(() => `${done.sidecars} sidecars, ${done.objects} images`),
  };
  try {
    const made = await rebuildTo(target, parts);
    progress.end();
    if (options.output !== undefined) return tell({ ...made, kept: null, left_behind: [] }, options);
    const left_behind = compareWithOld(file, target);
    const swapped = left_behind.length === 0 || options.yes === true;
    const kept = swapped ? installRebuilt(target, parts) : null;
    const code = tell({ ...made, file: swapped ? file : target, kept, left_behind }, options);
    return swapped ? code : EXIT.failed;
  } catch (error) {
    progress.end();
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  }
}

function refuseWhileWorkersLive(file: string): void {
  if (!existsSync(file)) return;
  const live = liveWorkers(file);
  if (live.length === 0) return;
  throw new ConfigError(
    `Cannot rebuild the catalog in use: ${live.length} workers live; stop them first, or rebuild to another file with --output`,
    { code: "workers_live" },
  );
}

function liveWorkers(file: string): string[] {
  try {
    const catalog = openCatalog({ file });
    try {
      return catalog.listLiveWorkers();
    } finally {
      catalog.close();
    }
  } catch (error) {
    // a broken one is what rebuilding is for
    if (error instanceof ConfigError && error.code === "catalog_broken") return [];
    throw error;
  }
}

const SHOWN = 20;

function tell(rebuilt: Rebuilt, { json }: Options): number {
  if (json) printJson(rebuilt);
  else {
    const { requests, calls, assets, batches, file, kept } = rebuilt;
    writeOutput(`${requests} requests, ${calls} calls, ${assets} assets, ${batches} batches in ${file}`);
    if (kept !== null) writeOutput(`The old catalog is kept as ${kept}`);
  }
  list("cannot be used", rebuilt.unusable, ({ key, reason }) => `${key}: ${reason}`);
  list("are missing in the store", rebuilt.absent, ({ key, reason }) => `${key}: ${reason}`);
  list(
    "belong to no request",
    rebuilt.strays,
    ({ key, reason }) => `${key}${reason === null ? "" : `: left out, ${reason}`}`,
  );
  list("are known to the old catalog only", rebuilt.left_behind, ({ request_id, state }) => `${request_id}  ${state}`);
  if (rebuilt.left_behind.length > 0 && rebuilt.kept === null)
    writeError(
      `The old catalog stays in use; to swap in the new one all the same: asset-archiver catalog rebuild --yes`,
    );
  return rebuilt.unusable.length + rebuilt.absent.length === 0 ? EXIT.done : EXIT.failed;
}

function list<T>(what: string, items: readonly T[], show: (item: T) => string): void {
  if (items.length === 0) return;
  writeError(`${items.length} ${what}:`);
  for (const item of items.slice(0, SHOWN)) writeError(`  ${show(item)}`);
  if (items.length > SHOWN) writeError(`  and ${items.length - SHOWN} more (all of them with --json)`);
}
