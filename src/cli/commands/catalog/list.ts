// `catalog list`: requests, the newest first; those of one batch in the order of its manifest.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import type { SearchHit } from "../../../catalog/search/hits.ts";
import type { SearchQuery } from "../../../catalog/search/search.ts";
import { toRequestSummary } from "../../../output/report/request-view.ts";
import { addFilterFlags, type FilterFlags, toCount, toFilter } from "../../catalog-filter.ts";
import { EXIT, withApp, writeError, writeOutput, writeWithBackpressure } from "../../io.ts";
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
  addFilterFlags(
    group.command("list").description("list requests, the newest first; those of a batch in the order of its manifest"),
  )
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
    for (const { request } of hitsOf(app, filter, limit))
      await writeWithBackpressure(JSON.stringify(toRequestSummary(request)));
    return EXIT.done;
  });
}

function* hitsOf(app: App, filter: SearchQuery, limit: number): Generator<SearchHit> {
  let cursor: string | undefined;
  for (let left = limit; left > 0; left -= PAGE) {
    const page = app.catalog().search(filter, { cursor, limit: Math.min(left, PAGE) });
    yield* page.items;
    if (page.next === null) return;
    cursor = page.next;
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

function printTable(app: App, filter: SearchQuery, limit: number): number {
  const rows = [...hitsOf(app, filter, limit)].map(toRow);
  if (rows.length === 0) writeError("No request fits");
  else toTable(COLUMNS, rows, process.stdout.columns || undefined).forEach(writeOutput);
  return EXIT.done;
}

function toRow({ request, assets }: SearchHit): string[] {
  return [
    request.request_id,
    request.state,
    new Date(request.created_at).toISOString().slice(0, 19).replace("T", " "),
    `${assets.length}/${request.recipe?.n ?? 0}`,
    plain(request.collection),
    plain(request.recipe?.prompt ?? request.error?.message ?? ""),
  ];
}
