// The statements behind the survey of a batch, prepared once: each looks at one stretch of its items, or of its calls.
import type { Statement } from "better-sqlite3";
import type { Call, RequestState } from "../../domain/records.ts";
import { prepared } from "../db/prepared.ts";

/** Items (or calls) of a batch in one state, from row to row. */
export interface RowRange {
  batchId: string;
  state: RequestState | Call["state"];
  after: number;
  until: number;
}

/** An item, how long it took from its first call to the archive, and how many calls. */
export interface Slow {
  request_id: string;
  took_ms: number;
  calls: number;
}

/** An item that failed, by what a person knows it by. */
export interface NamedItem {
  request_id: string;
  prompt: string | null;
  /** The line of the manifest on which it begins, and its place there; null where it is no longer in it. */
  line: number | null;
  item: number | null;
}

/** An item whose request was there before its batch. */
export interface BeforeItem {
  item: number;
  state: RequestState;
  n: number | null;
}

/** One image of a batch as its report shows it. */
export interface BatchImage {
  request_id: string;
  index: number;
  prompt: string | null;
  seed: number | null;
  key: string;
  digest: string;
  width: number;
  height: number;
  content_type: string;
}

/** Rows of a stretch: some milliseconds. */
export const STRETCH = 500;

type Limited = RowRange & { limit: number };

/** Where the next stretch ends; undefined where less is left than one. */
export type EndOf = (from: Omit<RowRange, "until">) => number | undefined;

/** The statements of one open catalog. */
export interface StatisticsStatements {
  endOfItems: EndOf;
  endOfCalls: EndOf;
  kept: Statement<[RowRange], { images: number; bytes: number }>;
  slowest: Statement<[Limited], Slow>;
  before: Statement<[{ batchId: string; after: number }], BeforeItem>;
  images: Statement<[{ rows: string; limit: number }], BatchImage>;
  reasons: Statement<[RowRange], { code: string; number: number; message: string }>;
  named: Statement<[Limited & { code: string }], NamedItem>;
  worked: Statement<[RowRange], { from: number | null; to: number | null }>;
}

// "indexed by" and "cross join" keep SQLite, which knows nothing of the numbers, on the way from the stretch to its images
export const statisticsStatements = prepared(({ $client: sqlite }): StatisticsStatements => {
  const items = "requests r indexed by requests_by_batch";
  const within = "r.batch_id = @batchId and r.state = @state and r.rowid > @after and r.rowid <= @until";
  const endOf = (table: string) => {
    const end = sqlite
      .prepare<[Omit<RowRange, "until">], number>(`select r.rowid from ${table} where r.batch_id = @batchId
        and r.state = @state and r.rowid > @after order by r.rowid limit 1 offset ${STRETCH - 1}`)
      .pluck();
    return (from: Omit<RowRange, "until">) => end.get(from);
  };
  return {
    endOfItems: endOf(items),
    endOfCalls: endOf("calls r indexed by calls_by_batch"),
    kept: sqlite.prepare(`select count(*) as images,
      coalesce(sum(a.bytes), 0) as bytes from ${items} cross join images i on i.request_id = r.request_id
      cross join assets a on a.asset_id = i.asset_id where ${within}`),
    slowest: sqlite.prepare(`select r.request_id, r.archived_at - min(c.sent_at) as took_ms,
      count(*) as calls from ${items} cross join calls c on c.request_id = r.request_id
      where ${within} group by r.rowid order by took_ms desc limit @limit`),
    before: sqlite.prepare(`select e.batch_item as item, r.state, r.n
      from batch_existing_items e indexed by batch_existing_items_by_manifest cross join requests r on r.row_number = e.row_number
      where e.batch_id = @batchId and e.batch_item > @after order by e.batch_item limit ${STRETCH}`),
    images: sqlite.prepare(`select r.request_id, i.image_index as "index",
      r.prompt, r.seed, a.key, a.digest, a.width, a.height, a.content_type
      from json_each(@rows) e cross join requests r on r.row_number = e.value and r.state = 'archived' and r.deleted_at is null
      cross join images i on i.request_id = r.request_id cross join assets a on a.asset_id = i.asset_id
      order by e.key, i.image_index limit @limit`),
    reasons: sqlite.prepare(`select
      coalesce(r.error_code, '') as code, count(*) as number, coalesce(min(r.error_message), '') as message
      from ${items} where ${within} group by code`),
    named: sqlite.prepare(`select r.request_id, r.prompt, r.manifest_line as line, r.batch_item as item from ${items}
      where ${within} and coalesce(r.error_code, '') = @code order by r.rowid limit @limit`),
    worked: sqlite.prepare(`select min(r.sent_at) as "from",
      max(r.ended_at) as "to" from calls r indexed by calls_by_batch where ${within}`),
  };
});
