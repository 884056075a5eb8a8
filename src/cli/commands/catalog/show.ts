// `catalog show`: everything about one request, or about one image by its digest, its key, or a copy of it on disk.
import type { Command } from "commander";
import type { App } from "../../../app.ts";
import type { Asset, RequestDetail } from "../../../pipeline/records.ts";
import { toProofView, toReproductionView } from "../../../report/proof-view.ts";
import { toRequestView } from "../../../report/request-view.ts";
import { showSize } from "../../../units.ts";
import { EXIT, print, printJson, say, withApp } from "../../io.ts";
import { describeUnknown, findNamed, NAMING_HELP } from "../../name-image.ts";
import { proofLines, sayLikeness } from "../../reproduce/text.ts";
import { printRequest } from "../../request-text.ts";

const EXAMPLES = `
${NAMING_HELP}

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
  const named = await findNamed(app, name);
  if (named?.kind === "request") {
    showRequest(app, named.detail, json);
    return EXIT.done;
  }
  if (named?.asset === undefined) {
    say(describeUnknown(name, named));
    return EXIT.failed;
  }
  await showAsset(app, named.asset, json);
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
