// `catalog list`: requests, the newest first.
import type { Command } from "commander";
import type { App } from "../../../app.ts";
import type { BrowseFilter, RequestCursor } from "../../../catalog/browse.ts";
import type { RequestDetail } from "../../../pipeline/records.ts";
import { toRequestSummary } from "../../../report/request-view.ts";
import { addFilterFlags, type FilterFlags, toCount, toFilter } from "../../catalog-filter.ts";
import { EXIT, print, printSlowly, say, withApp } from "../../io.ts";
import { plain, toTable } from "../../text.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver catalog list
  $ asset-archiver catalog list --state failed --collection posters
  $ asset-archiver catalog list --limit 1000 --json | jq -r .request_id`;

const PAGE = 200;

interface Options extends FilterFlags {
  deleted?: boolean;
  limit: string;
  json?: boolean;
}

export function addCatalogList(group: Command, end: (code: number) => void): void {
  addFilterFlags(group.command("list").description("list requests, the newest first"))
    .option("--deleted", "only requests whose deletion was asked for")
    .option("--limit <count>", "at most so many", "50")
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runList(options)));
}

function runList(options: Options): Promise<number> {
  const filter = { ...toFilter(options), deleted: options.deleted };
  const limit = toCount(options.limit, "--limit");
  return withApp(async (app) => {
    if (!options.json) return printTable(app, filter, limit);
    for (const detail of newest(app, filter, limit))
      await printSlowly(JSON.stringify(toRequestSummary(detail.request)));
    return EXIT.done;
  });
}

function* newest(app: App, filter: BrowseFilter, limit: number): Generator<RequestDetail> {
  let after: RequestCursor | undefined;
  for (let left = limit; left > 0; left -= PAGE) {
    const page = app.catalog().browse.requests(filter, { after, limit: Math.min(left, PAGE) });
    yield* page.items;
    if (page.next === null) return;
    after = page.next;
  }
}

const COLUMNS = [
  { title: "REQUEST" },
  { title: "STATE" },
  { title: "CREATED" },
  { title: "IMAGES", align: "right" },
  { title: "COLLECTION" },
  { title: "PROMPT", shrink: true },
] as const;

function printTable(app: App, filter: BrowseFilter, limit: number): number {
  const rows = [...newest(app, filter, limit)].map(toRow);
  if (rows.length === 0) say("No request fits");
  else toTable(COLUMNS, rows, process.stdout.columns || undefined).forEach(print);
  return EXIT.done;
}

function toRow({ request, images }: RequestDetail): string[] {
  const archived = images.filter((image) => image.digest !== null).length;
  return [
    request.request_id,
    request.state,
    new Date(request.created_at).toISOString().slice(0, 19).replace("T", " "),
    `${archived}/${request.recipe?.n ?? 0}`,
    plain(request.collection),
    plain(request.recipe?.prompt ?? request.error?.message ?? ""),
  ];
}
