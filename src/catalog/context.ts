// What the functions of this folder are handed: the open database, and the few facts that their rules depend on.
import type { Price } from "../domain/units.ts";
import type { Db } from "./db/database.ts";
import type { Reader } from "./requests/reader.ts";

/** What the functions of this folder work with. */
export interface CatalogContext {
  db: Db;
  reader: Reader;
  now: () => number;
  /** Who makes the calls that are written here. */
  workerId: string;
  maxUnarchivedImages: number;
  /** Whether a second store wants a copy of everything. */
  mirrored: boolean;
  /** PRICE_PER_IMAGE, which calls that are reserved now are recorded with. */
  price?: Price | undefined;
  isWorkerAlive(workerId: string): boolean;
}
