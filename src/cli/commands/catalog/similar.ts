// `catalog similar`: images that look like one that is named, or like one in a file, the nearest first.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { RejectedError, TransientError } from "../../../domain/errors.ts";
import { promptPrefix } from "../../../domain/lockfile/entry.ts";
import type { Asset } from "../../../domain/records.ts";
import { createInspector } from "../../../image/inspect.ts";
import { findSimilar, type SimilarAsset, type SimilarFound } from "../../../maintenance/similar.ts";
import { toCount } from "../../catalog-filter.ts";
import { EXIT, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { describeUnknown, findNamed, NAMING_HELP, type Named } from "../../name-image.ts";
import { plain } from "../../text.ts";

const EXAMPLES = `
${NAMING_HELP}
A file need not hold a copy: any picture will do. A request stands for all its images. What was named is left out itself.
The distance is the number of bits in which two perceptual hashes differ: 0 looks the same, up to about 10 is most likely
the same picture scaled, re-encoded or slightly changed, about 32 has nothing in common.

Examples:
  $ asset-archiver catalog similar fox-1
  $ asset-archiver catalog similar 3fa94c --max-distance 16 --limit 100
  $ asset-archiver catalog similar ~/Downloads/fox-small.jpg --json | jq -r '.found[].digest'`;

interface Options {
  maxDistance: string;
  limit: string;
  json?: boolean;
}

/** The bits of a hash. */
const DISTANCE_LIMIT = 64;

export function addCatalogSimilar(group: Command, end: (code: number) => void): void {
  group
    .command("similar")
    .description("find images that look alike, the nearest first")
    .argument("<request_id|digest|key|file>")
    .option("--max-distance <bits>", `how far apart, 0 to ${DISTANCE_LIMIT}`, "10")
    .option("--limit <count>", "so many images at most", "20")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, options: Options) => end(await runSimilar(name, options)));
}

function runSimilar(name: string, options: Options): Promise<number> {
  const limits = { maxDistance: toDistance(options.maxDistance), limit: toCount(options.limit, "--limit") };
  return withApp(async (app) => {
    const named = await findNamed(app, name);
    if (named === undefined) {
      writeError(describeUnknown(name, named));
      return EXIT.failed;
    }
    const subject = await toSubject(app, named);
    if (subject.like.length === 0) {
      writeError(`Request "${name}" has no archived image to compare`);
      return EXIT.failed;
    }
    const result = findSimilar(app.catalog().similar, { ...limits, ...subject });
    const found = await Promise.all(result.found.map((asset) => withOrigin(app, asset)));
    if (options.json) printJson({ like: subject.like, max_distance: limits.maxDistance, ...result, found });
    else tell(app, { ...result, found });
    return EXIT.done;
  });
}

function toDistance(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= DISTANCE_LIMIT) return Number(text);
  const message = `wanted a whole number from 0 to ${DISTANCE_LIMIT}, got "${text}"`;
  throw new RejectedError(`--max-distance: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "--max-distance", message }],
  });
}

/** The hashes to be near to, and what is left out: a file on disk is no asset, so that a copy of it is found. */
async function toSubject(app: App, named: Named): Promise<{ like: string[]; except: Set<string> }> {
  if (named.kind === "file") return { like: [await hashFile(named.path)], except: new Set() };
  const assets = named.kind === "asset" ? [named.asset] : named.detail.assets;
  const like = await Promise.all(assets.map((asset) => hashAsset(app, asset)));
  return { like, except: new Set(assets.map(({ digest }) => digest)) };
}

async function hashFile(path: string): Promise<string> {
  return (await createInspector()(await readFile(path))).phash;
}

/** As it is recorded, or else by looking at its bytes. */
async function hashAsset(app: App, asset: Asset): Promise<string> {
  const recorded = app.catalog().similar.hashOf(asset.digest);
  if (recorded !== null) return recorded;
  const bytes = await app.store().get(asset.key);
  if (bytes !== undefined) return (await createInspector()(bytes)).phash;
  throw new TransientError(`Cannot compare ${asset.digest}: it has no hash yet, and the store does not have it`, {
    code: "asset_missing",
  });
}

/** So many requests of an image are named. */
const REQUESTS_NAMED = 10;

type Told = Omit<SimilarAsset, "archived_at"> & {
  archived_at: string;
  requests: { request_id: string; index: number }[];
  prompt: string | null;
};

async function withOrigin(app: App, asset: SimilarAsset): Promise<Told> {
  const requests = app.catalog().browse.imagesOf(asset.digest, REQUESTS_NAMED);
  const made = requests[0] && (await app.catalog().find(requests[0].request_id));
  const archived_at = new Date(asset.archived_at).toISOString();
  return { ...asset, archived_at, requests, prompt: made?.request.recipe?.prompt ?? null };
}

function tell(app: App, { found, more, unhashed }: Omit<SimilarFound, "found"> & { found: Told[] }): void {
  for (const { digest, distance, requests, prompt, key } of found) {
    writeOutput(`${String(distance).padStart(2)}  ${digest}`);
    writeOutput(
      `    ${requests.map(({ request_id, index }) => `image ${index} of ${request_id}`).join(", ") || "no request"}`,
    );
    if (prompt !== null) writeOutput(`    ${plain(promptPrefix(prompt))}`);
    writeOutput(`    ${app.store().locate(key)}`);
  }
  if (found.length === 0) writeError("Nothing is so near: a larger --max-distance finds more");
  if (more) writeError("There is more: a larger --limit shows it");
  if (unhashed > 0) writeError(`${unhashed} images could not be compared: no worker has looked at them yet`);
}
