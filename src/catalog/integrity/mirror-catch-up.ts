// Asking for the second copy of everything that lacks one. A page at a time, each a transaction of its own: whoever else
// writes comes between two pages, and a kill costs nothing but the way to where it was.
import { sidecarKey } from "../../domain/keys.ts";
import type { CatalogContext } from "../context.ts";
import { prepared } from "../db/prepared.ts";
import type { Write } from "../db/writer.ts";
import { countMirrorJobs } from "./mirror.ts";

export interface CatchUpOptions {
  /** Aborted, it ends after the page in hand; what was asked for stays so. */
  signal?: AbortSignal | undefined;
  /** Called between two pages, with how many images and sidecars were looked at. */
  onProgress?: ((looked: number) => void) | undefined;
}

/** Rows of a page: some 10 ms of the one writer that SQLite allows. */
const PAGE = 500;

/** Asks for everything that has no copy yet, and makes due what waits; resolves to how many copies are asked for. */
export async function queueAllMirrors(
  context: CatalogContext,
  write: Write,
  options: CatchUpOptions = {},
): Promise<number> {
  const now = context.now();
  const { images, sidecars, makeDue } = statements(context.db);
  let before = 0;
  const onProgress = (looked: number) => options.onProgress?.(before + looked);
  const walk = { ...options, onProgress, write, now };
  before = await walkPages(walk, images);
  before += await walkPages(walk, sidecars);
  while (!options.signal?.aborted && (await write(() => makeDue(now))) === PAGE) onProgress(0);
  return countMirrorJobs(context);
}

/** Rows of a table, by their places in its order. */
interface Range {
  after: string | number;
  end: string | number;
}

interface Pages {
  /** Before the first place. */
  start: string | number;
  /** How many rows are on the page that begins behind this place, and where it ends. */
  pageAfter(after: string | number): { rows: number; end: string | number };
  /** Asks for what one page lacks. */
  ask(range: Range & { now: number }): void;
}

/** Walks through a table; resolves to how many rows were looked at. */
async function walkPages(walk: CatchUpOptions & { write: Write; now: number }, pages: Pages): Promise<number> {
  const { write, now, signal, onProgress } = walk;
  let looked = 0;
  let after = pages.start;
  while (!signal?.aborted) {
    const { rows, end } = pages.pageAfter(after);
    if (rows === 0) break;
    const range = { after, end, now };
    await write(() => pages.ask(range));
    looked += rows;
    after = end;
    onProgress?.(looked);
  }
  return looked;
}

// as better-sqlite3's own statements: they run for each of a million rows
const statements = prepared(({ $client: sqlite }) => {
  const pageAfter = (table: string, place: string): Pages["pageAfter"] => {
    const page = sqlite.prepare<[string | number], { rows: number; end: string | number }>(`select count(*) as rows,
      max(place) as end from (select ${place} as place from ${table} where ${place} > ? order by ${place} limit ${PAGE})`);
    return (after) => page.get(after) as { rows: number; end: string | number };
  };
  // in the order of the digest, and so of the key: new keys that lie beside each other share pages of the index, where
  // those of assets as they came would dirty one page each
  const askForImages =
    sqlite.prepare(`insert into mirror_jobs (key, digest, next_at) select key, digest, @now from assets
    where digest > @after and digest <= @end and mirrored_at is null and erased_at is null order by digest
    on conflict do nothing`);
  const uncopied = sqlite.prepare<[Range], { request_id: string; created_at: number }>(`select request_id, created_at
    from requests where rowid > @after and rowid <= @end and sidecar_at is not null
    and (mirrored_at is null or mirrored_at < sidecar_at)`);
  const askForSidecar =
    sqlite.prepare(`insert into mirror_jobs (key, digest, request_id, next_at) values (?, null, ?, ?)
    on conflict do nothing`);
  // who is being copied just now by another process is left to it only by luck; copying twice does no harm
  const makeDue = sqlite.prepare(`update mirror_jobs set next_at = @now
    where rowid in (select rowid from mirror_jobs where next_at > @now order by next_at limit ${PAGE})`);
  const images: Pages = {
    start: "",
    pageAfter: pageAfter("assets", "digest"),
    ask: (range) => void askForImages.run(range),
  };
  const sidecars: Pages = {
    start: 0,
    pageAfter: pageAfter("requests", "rowid"),
    ask: ({ now, ...range }) => {
      for (const request of uncopied.all(range)) askForSidecar.run(sidecarKey(request), request.request_id, now);
    },
  };
  return { images, sidecars, makeDue: (now: number) => makeDue.run({ now }).changes };
});
