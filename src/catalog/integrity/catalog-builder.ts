// A catalog that is being made anew from what the store holds: rows go in as they were, nothing is decided again.
import type { InferInsertModel } from "drizzle-orm";
import type { BatchRecords } from "../../domain/batch-sidecar.ts";
import type { Asset, Image, Proof } from "../../domain/records.ts";
import type { SidecarRecords } from "../../domain/sidecar.ts";
import { assetIdOf } from "../assets/assets.ts";
import { openDatabase } from "../db/database.ts";
import { sql } from "../db/orm.ts";
import { batches } from "../schema/batches.ts";
import { proofImages, proofs } from "../schema/proofs.ts";
import { assets, calls, generations, images, requests } from "../schema/requests.ts";
import { claimInstallation } from "./installation.ts";

/** Something in the store. */
export interface StoredObject {
  key: string;
  bytes: number;
}

export interface CatalogBuilder {
  /** Adds what sidecars hold, in one transaction. Throws where the same request comes twice. */
  add(records: readonly SidecarRecords[]): void;
  /** Its existing items are tied to their requests in the end, whichever come first. */
  addBatch(sidecar: Pick<BatchRecords, "batch" | "existing_items">): void;
  /** Says which installation the catalog belongs to. */
  setInstallation(id: string, now: number): void;
  /** Adds images that no sidecar names. */
  addOrphan(asset: Asset): void;
  has(requestId: string): boolean;
  /** Remembers what lies in the store, to be compared. */
  addStoredObjects(objects: readonly StoredObject[]): void;
  /** Assets whose bytes are not in the store, or are of another size there. */
  listMissing(): Iterable<{ digest: string; key: string; found: number | null }>;
  /** Stored images that belong to no asset. */
  listOrphans(): Iterable<StoredObject>;
  counts(): { requests: number; calls: number; assets: number; batches: number };
  /** Fills the index, checks everything and closes. Throws where the check finds a fault. */
  complete(): void;
  close(): void;
}

/** Opens one at `file`, which must not exist. Until `complete` it is not durable. */
export function createCatalogBuilder(file: string): CatalogBuilder {
  const { db, sqlite, close } = openDatabase(file);
  // a kill only costs a file that nobody uses yet
  sqlite.pragma("synchronous = OFF");
  sqlite.exec("create temp table stored (key text primary key, bytes integer) without rowid");
  sqlite.exec(
    "create temp table existing_items (batch_id text, request_id text, batch_item integer, manifest_line integer)",
  );
  const noteItem = sqlite.prepare(
    "insert into existing_items values (@batch_id, @request_id, @batch_item, @manifest_line)",
  );
  const note = sqlite.prepare("insert or replace into stored values (?, ?)");
  const count = (table: string) => sqlite.prepare(`select count(*) from ${table}`).pluck().get() as number;
  const insert = createInsert(db);
  return {
    add: sqlite.transaction((records: readonly SidecarRecords[]) => records.forEach(insert)),
    setInstallation: (id, now) => void claimInstallation(db, { id, now }),
    addBatch: sqlite.transaction(({ batch, existing_items = [] }: Pick<BatchRecords, "batch" | "existing_items">) => {
      db.insert(batches).values(batch).onConflictDoNothing().run();
      for (const item of existing_items) noteItem.run({ ...item, batch_id: batch.batch_id });
    }),
    addOrphan: (asset) => void db.insert(assets).values(asset).onConflictDoNothing().run(),
    has: (id) => db.get<unknown>(sql`select 1 from ${requests} where request_id = ${id}`) !== undefined,
    addStoredObjects: sqlite.transaction((objects: readonly StoredObject[]) => {
      for (const { key, bytes } of objects) note.run(key, bytes);
    }),
    listMissing: () =>
      sqlite
        .prepare<[], { digest: string; key: string; found: number | null }>(
          `select a.digest, a.key, s.bytes as found from assets a left join stored s on s.key = a.key
           where a.erased_at is null and (s.bytes is null or s.bytes <> a.bytes)`,
        )
        .all(),
    listOrphans: () =>
      sqlite.prepare<[], StoredObject>("select key, bytes from stored where key not in (select key from assets)").all(),
    counts: () => ({
      requests: count("requests"),
      calls: count("calls"),
      assets: count("assets"),
      batches: count("batches"),
    }),
    complete: () => {
      finish(sqlite);
      close();
    },
    close,
  };
}

type Insert = (records: SidecarRecords) => void;

function createInsert(db: ReturnType<typeof openDatabase>["db"]): Insert {
  let added = 0;
  return (records) => {
    const { request } = records;
    for (const asset of records.assets) insertAsset(db, asset, request.erased_at);
    // below all numbers that are given in the end
    db.insert(requests)
      .values({ ...toRow(records), row_number: -++added })
      .run();
    if (records.calls.length > 0) db.insert(calls).values(records.calls.map(toCallRow)).run();
    if (records.generations.length > 0) db.insert(generations).values(records.generations).run();
    if (records.images.length > 0) db.insert(images).values(records.images.map(toImageRow)).run();
    if (records.proof !== null) insertProof(db, records.proof);
  };
}

// of several requests that share it, the one that brought it into the store knows since when; one that lives keeps it
function insertAsset(db: ReturnType<typeof openDatabase>["db"], asset: Asset, erased_at: number | null): void {
  db.insert(assets)
    .values({ ...asset, erased_at })
    .onConflictDoUpdate({
      target: assets.digest,
      set: {
        archived_at: sql`min(${assets.archived_at}, excluded.archived_at)`,
        erased_at: sql`case when ${assets.erased_at} is null or excluded.erased_at is null then null else ${assets.erased_at} end`,
      },
    })
    .run();
}

function insertProof(db: Parameters<typeof insertAsset>[0], { images: compared, ...proof }: Proof): void {
  const { request_id } = proof;
  db.insert(proofs).values(proof).run();
  if (compared.length > 0)
    db.insert(proofImages)
      .values(compared.map((one) => ({ request_id, ...one })))
      .run();
}

function toRow({ request }: SidecarRecords): InferInsertModel<typeof requests> {
  const { recipe, error, ...rest } = request;
  return {
    ...rest,
    ...recipe,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
    sidecar_at: request.updated_at,
  };
}

function toCallRow({ error, price, ...call }: SidecarRecords["calls"][number]): InferInsertModel<typeof calls> {
  return {
    ...call,
    price_micros: price?.micros ?? null,
    price_currency: price?.currency ?? null,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
  };
}

function toImageRow(image: Image) {
  return { ...image, asset_id: image.digest === null ? null : assetIdOf(image.digest) };
}

/**
 * Numbers the requests as they were accepted (they came in the store's order): by age, and those of one millisecond by their
 * places in their manifest. Then makes sure that the file is whole and on disk.
 */
function finish(sqlite: ReturnType<typeof openDatabase>["sqlite"]): void {
  sqlite.exec(`update requests set row_number = place
    from (select request_id as id, row_number() over (order by created_at, batch_id, batch_item is null, batch_item, request_id) as place
      from requests)
    where request_id = id`);
  sqlite.exec(`insert or ignore into batch_existing_items (batch_id, row_number, batch_item, manifest_line)
    select e.batch_id, r.row_number, e.batch_item, e.manifest_line from existing_items e
    join requests r on r.request_id = e.request_id`);
  const faults = [
    ...(sqlite.pragma("foreign_key_check") as unknown[]),
    ...(sqlite.pragma("integrity_check") as { integrity_check: string }[]).filter(
      (row) => row.integrity_check !== "ok",
    ),
  ];
  if (faults.length > 0)
    throw new Error(`Bug: the new catalog does not hold together: ${JSON.stringify(faults.slice(0, 3))}`);
  sqlite.pragma("synchronous = FULL");
  // one file without a log beside it can be renamed
  sqlite.pragma("wal_checkpoint(TRUNCATE)");
  sqlite.pragma("journal_mode = DELETE");
}
