// `catalog show`: everything about one request, or about one image by its digest, its key, or a copy of it on disk.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import type { Asset, RequestDetail } from "../../../domain/records.ts";
import { formatSize } from "../../../domain/units.ts";
import { withoutLinks } from "../../../output/report/asset-links.ts";
import { toProofView, toReproductionView } from "../../../output/report/proof-view.ts";
import { toRequestView } from "../../../output/report/request-view.ts";
import { EXIT, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { describeUnknown, findNamed, NAMING_HELP } from "../../name-image.ts";
import { likenessText, proofLines } from "../../reproduce/text.ts";
import { printRequest } from "../../request-text.ts";

const EXAMPLES = `
${NAMING_HELP}
It says, too, when the image was last proven to be intact.

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
  if (named?.kind === "file" && named.copyOf !== undefined) {
    writeError(
      `"${name}" has other bytes than any archived image; the recipe inside it says that it is a copy of this one`,
    );
    await showAsset(app, named.copyOf, json);
    return EXIT.done;
  }
  if (named?.asset === undefined) {
    writeError(named?.kind === "file" ? describeUnknownFile(app, name) : describeUnknown(name, named));
    return EXIT.failed;
  }
  await showAsset(app, named.asset, json);
  return EXIT.done;
}

function describeUnknownFile(app: App, path: string): string {
  const named = /[0-9a-f]{64}/.exec(path)?.[0];
  if (named !== undefined && app.catalog().browse.asset(named) !== undefined)
    return `"${path}" has the name of an image that the catalog knows, and other bytes: it is damaged; see: asset-archiver catalog show ${named}`;
  return (
    `The catalog knows no image with the bytes of "${path}". A copy that was cropped, resized or saved anew has other ` +
    `bytes; what looks like it is found by: asset-archiver catalog similar ${path}`
  );
}

// what a reproduction showed, and what reproductions of it showed
function showRequest(app: App, detail: RequestDetail, json: boolean): void {
  const { proof, request } = detail;
  const reproductions = app.catalog().reproductions.of(request.request_id).map(toReproductionView);
  if (json) {
    printJson({
      ...toRequestView(detail, app.linksAt()),
      proof: proof === null ? null : toProofView(proof),
      reproductions,
    });
    return;
  }
  printRequest(app, detail);
  if (proof !== null) {
    writeOutput(`  compared with ${proof.original_id}: ${likenessText(proof.outcome)}`);
    for (const line of proofLines(proof)) writeOutput(`  ${line}`);
  }
  for (const { request_id, state, created_at, outcome } of reproductions)
    writeOutput(
      `  reproduced ${created_at}  ${outcome === null ? `${state}, not compared` : likenessText(outcome)}  ${request_id}`,
    );
}

async function showAsset(app: App, asset: Asset, json: boolean): Promise<void> {
  const { browse } = app.catalog();
  const requests = browse.imagesOf(asset.digest, REQUESTS_SHOWN);
  const location = app.store().locate(asset.key);
  const upkeep = browse.maintenanceOf(asset.digest);
  const times = {
    archived_at: toIso(asset.archived_at),
    verified_at: toIso(upkeep?.verified_at),
    mirrored_at: toIso(upkeep?.mirrored_at),
    erased_at: toIso(upkeep?.erased_at),
  };
  const fault = upkeep?.fault ?? null;
  // those that reused it share the recipe of the one that made it
  const made = requests[0] && (await app.catalog().find(requests[0].request_id));
  if (json) {
    const made_by = made ? toRequestView(made, app.linksAt()) : null;
    const links = times.erased_at === null ? app.linksAt()(asset.digest) : withoutLinks(asset.digest);
    printJson({ ...asset, ...links, ...times, fault, location, requests, made_by });
    return;
  }
  writeOutput(asset.digest);
  writeOutput(
    `  ${asset.content_type}  ${asset.width}×${asset.height}  ${formatSize(asset.bytes)}  archived ${times.archived_at}`,
  );
  writeOutput(`  ${times.erased_at === null ? location : `removed ${times.erased_at}, as was asked`}`);
  writeOutput(
    `  ${describeProof(times.verified_at, fault)}${times.mirrored_at ? `, mirrored ${times.mirrored_at}` : ""}`,
  );
  for (const { request_id, index } of requests) writeOutput(`  image ${index} of ${request_id}`);
  if (made !== undefined) printRequest(app, made);
}

function describeProof(verifiedAt: string | null, fault: string | null): string {
  const proven = verifiedAt === null ? "not read back yet since it was archived" : `last proven ${verifiedAt}`;
  return fault === null ? proven : `${fault.toUpperCase()} when it was read last; ${proven}`;
}

function toIso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
