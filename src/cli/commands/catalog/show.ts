// `catalog show`: everything about one request, or about one image by its digest, its key, or a copy of it on disk.
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { App } from "../../../app.ts";
import { RejectedError } from "../../../errors.ts";
import type { Asset, RequestDetail } from "../../../pipeline/records.ts";
import { toProofView, toReproductionView } from "../../../report/proof-view.ts";
import { toRequestView } from "../../../report/request-view.ts";
import { showSize } from "../../../units.ts";
import { EXIT, print, printJson, say, withApp } from "../../io.ts";
import { proofLines, sayLikeness } from "../../reproduce/text.ts";
import { printRequest } from "../../request-text.ts";

const EXAMPLES = `
An image is named by its digest (six characters are enough where they fit one image only), by its key, or by any file
that holds a copy of it, whatever its name: the file is read and looked up by its digest.

Examples:
  $ asset-archiver catalog show fox-1
  $ asset-archiver catalog show 3fa94c
  $ asset-archiver catalog show ~/Downloads/fox-final-2.png
  $ asset-archiver catalog show images/3f/3fa94c….png --json`;

/** The requests of an image that are shown. */
const REQUESTS_SHOWN = 100;

export function addCatalogShow(group: Command, end: (code: number) => void): void {
  group
    .command("show")
    .description("show one request with its calls and images, or one image with its requests")
    .argument("<request_id|digest|key|file>")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, { json }: { json?: boolean }) => end(await withApp((app) => show(app, name, json))));
}

async function show(app: App, name: string, json = false): Promise<number> {
  const detail = await app.catalog().find(name);
  if (detail !== undefined) {
    showRequest(app, detail, json);
    return EXIT.done;
  }
  const isFile = statSync(name, { throwIfNoEntry: false })?.isFile() === true;
  const asset = isFile ? app.catalog().browse.asset(await digestOf(name)) : findAsset(app, name);
  if (asset === undefined) {
    say(
      isFile
        ? `The catalog knows no image with the bytes of "${name}"`
        : `There is no request and no image "${name}" in the catalog`,
    );
    return EXIT.failed;
  }
  await showAsset(app, asset, json);
  return EXIT.done;
}

// what a reproduction showed, and what reproductions of it showed
function showRequest(app: App, detail: RequestDetail, json: boolean): void {
  const { proof, request } = detail;
  const reproductions = app.catalog().reproductions.of(request.request_id).map(toReproductionView);
  if (json) {
    printJson({ ...toRequestView(detail), proof: proof === null ? null : toProofView(proof), reproductions });
    return;
  }
  printRequest(app, detail);
  if (proof !== null) {
    print(`  compared with ${proof.original_id}: ${sayLikeness(proof.outcome)}`);
    for (const line of proofLines(proof)) print(`  ${line}`);
  }
  for (const { request_id, state, created_at, outcome } of reproductions)
    print(
      `  reproduced ${created_at}  ${outcome === null ? `${state}, not compared` : sayLikeness(outcome)}  ${request_id}`,
    );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function findAsset(app: App, name: string): Asset | undefined {
  const [, digest] = /(?:^|\/)([0-9a-f]{6,64})(?:\.(?:png|jpg|webp))?$/i.exec(name) ?? [];
  if (digest === undefined) return undefined;
  const found = app.catalog().browse.assetsLike(digest.toLowerCase(), 2);
  if (found.length < 2) return found[0];
  throw new RejectedError(`"${name}" fits more than one image: give more of its digest`, { code: "ambiguous_digest" });
}

async function showAsset(app: App, asset: Asset, json: boolean): Promise<void> {
  const requests = app.catalog().browse.imagesOf(asset.digest, REQUESTS_SHOWN);
  const location = app.store().locate(asset.key);
  const archived_at = new Date(asset.archived_at).toISOString();
  // those that reused it share the recipe of the one that made it
  const made = requests[0] && (await app.catalog().find(requests[0].request_id));
  if (json) printJson({ ...asset, archived_at, location, requests, made_by: made ? toRequestView(made) : null });
  else {
    print(asset.digest);
    print(`  ${asset.content_type}  ${asset.width}×${asset.height}  ${showSize(asset.bytes)}  archived ${archived_at}`);
    print(`  ${location}`);
    for (const { request_id, index } of requests) print(`  image ${index} of ${request_id}`);
    if (made !== undefined) printRequest(app, made);
  }
}
