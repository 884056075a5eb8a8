// `catalog show`: everything about one request, or about one image by its digest or key.
import type { Command } from "commander";
import type { App } from "../../../app.ts";
import { RejectedError } from "../../../errors.ts";
import type { Asset } from "../../../pipeline/records.ts";
import { toRequestView } from "../../../report/request-view.ts";
import { showSize } from "../../../units.ts";
import { EXIT, print, printJson, say, withApp } from "../../io.ts";
import { printRequest } from "../../request-text.ts";

const EXAMPLES = `
An image is named by its digest (six characters are enough where they fit one image only), by its key or its file's path.

Examples:
  $ asset-archiver catalog show fox-1
  $ asset-archiver catalog show 3fa94c
  $ asset-archiver catalog show data/archive/images/3f/3fa94c….png --json`;

/** The requests of an image that are shown. */
const REQUESTS_SHOWN = 100;

export function addCatalogShow(group: Command, end: (code: number) => void): void {
  group
    .command("show")
    .description("show one request with its calls and images, or one image with its requests")
    .argument("<request_id|digest|key>")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, { json }: { json?: boolean }) => end(await withApp((app) => show(app, name, json))));
}

async function show(app: App, name: string, json = false): Promise<number> {
  const detail = await app.catalog().find(name);
  if (detail !== undefined) {
    if (json) printJson(toRequestView(detail));
    else printRequest(app, detail);
    return EXIT.done;
  }
  const asset = findAsset(app, name);
  if (asset === undefined) {
    say(`There is no request and no image "${name}" in the catalog`);
    return EXIT.failed;
  }
  showAsset(app, asset, json);
  return EXIT.done;
}

function findAsset(app: App, name: string): Asset | undefined {
  const [, digest] = /(?:^|\/)([0-9a-f]{6,64})(?:\.(?:png|jpg|webp))?$/i.exec(name) ?? [];
  if (digest === undefined) return undefined;
  const found = app.catalog().browse.assetsLike(digest.toLowerCase(), 2);
  if (found.length < 2) return found[0];
  throw new RejectedError(`"${name}" fits more than one image: give more of its digest`, { code: "ambiguous_digest" });
}

function showAsset(app: App, asset: Asset, json: boolean): void {
  const requests = app.catalog().browse.imagesOf(asset.digest, REQUESTS_SHOWN);
  const location = app.store().locate(asset.key);
  const archived_at = new Date(asset.archived_at).toISOString();
  if (json) printJson({ ...asset, archived_at, location, requests });
  else {
    print(asset.digest);
    print(`  ${asset.content_type}  ${asset.width}×${asset.height}  ${showSize(asset.bytes)}  archived ${archived_at}`);
    print(`  ${location}`);
    for (const { request_id, index } of requests) print(`  image ${index} of ${request_id}`);
  }
}
