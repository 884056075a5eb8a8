// `catalog search`: words over prompts and filters over everything.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import type { SearchHit } from "../../../catalog/search/hits.ts";
import { toRequestSummary } from "../../../output/report/request-view.ts";
import { toCount } from "../../catalog-filter.ts";
import { EXIT, withApp, writeError, writeOutput, writeWithBackpressure } from "../../io.ts";
import { addSearchFlags, type SearchFlags, toSearchQuery, toSort } from "../../search-flags.ts";
import { plain } from "../../text.ts";

const EXAMPLES = `
Words: all of them must be there, in any order; "red fox" side by side; fo* as a beginning; -cat must not be there. A shell
takes quotes and stars for itself, and -cat looks like a flag: put single quotes around the whole.
Chinese and other scripts without spaces need none: 狐狸 finds it inside any sentence.

Examples:
  $ asset-archiver catalog search red fox --aspect-ratio 16:9
  $ asset-archiver catalog search '"red fox" -night'
  $ asset-archiver catalog search 狐狸 --collection 动物 --from 2026-01-01
  $ asset-archiver catalog search --seed 42 --json | jq -r '.assets[].key'
  $ asset-archiver catalog search fox --all --json > foxes.jsonl`;

interface Options extends SearchFlags {
  sort?: string;
  limit?: string;
  cursor?: string;
  all?: boolean;
  json?: boolean;
}

export function addCatalogSearch(group: Command, end: (code: number) => void): void {
  addSearchFlags(group.command("search").description("find requests by words of their prompts and by everything else"))
    .argument("[words...]")
    .option("--deleted", "only requests whose deletion was asked for")
    .option(
      "--sort <order>",
      "relevance, newest, oldest or manifest (default: relevance where there are words, manifest with --batch)",
    )
    .option("--limit <count>", "so many a page", "50")
    .option("--cursor <cursor>", "the page after the one that named it")
    .option("--all", "all pages")
    .option("--json", "one JSON line for each request; the next cursor goes to standard error")
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], options: Options) => end(await runSearch(words, options)));
}

function runSearch(words: readonly string[], options: Options): Promise<number> {
  const query = toSearchQuery(words, options);
  const sort = toSort(options.sort);
  const limit = toCount(options.limit ?? "50", "--limit");
  return withApp(async (app) => {
    await app.catalog().indexTexts();
    let cursor = options.cursor;
    let shown = 0;
    do {
      const page = app.catalog().search(query, { sort, limit, cursor });
      for (const hit of page.items) await show(app, hit, options.json);
      shown += page.items.length;
      cursor = page.next ?? undefined;
    } while (options.all && cursor !== undefined);
    tellRest({ shown, cursor, json: options.json });
    return EXIT.done;
  });
}

async function show(app: App, { request, assets }: SearchHit, json = false): Promise<void> {
  if (json)
    return writeWithBackpressure(JSON.stringify({ ...toRequestSummary(request), assets: withLinks(app, assets) }));
  const { recipe } = request;
  writeOutput(`${request.request_id}  ${request.state}  ${request.collection}  ${request.tags.join(" ")}`.trimEnd());
  if (recipe !== null) {
    writeOutput(`  ${plain(recipe.prompt)}`);
    writeOutput(
      `  seed ${recipe.seed}, ${recipe.aspect_ratio}, n ${recipe.n}, accepted ${new Date(request.created_at).toISOString()}`,
    );
  }
  for (const asset of assets)
    writeOutput(`  image ${asset.index}  ${asset.width}×${asset.height}  ${app.store().locate(asset.key)}`);
}

function withLinks(app: App, assets: SearchHit["assets"]) {
  const link = app.linksAt();
  return assets.map((asset) => ({ ...asset, ...link(asset.digest) }));
}

interface Rest {
  shown: number;
  cursor: string | undefined;
  json: boolean | undefined;
}

function tellRest({ shown, cursor, json = false }: Rest): void {
  if (json && cursor !== undefined) writeError(JSON.stringify({ next_cursor: cursor }));
  if (json) return;
  if (shown === 0) writeError("Nothing fits");
  if (cursor !== undefined) writeError(`There is more: add --all, or --cursor ${cursor}`);
}
