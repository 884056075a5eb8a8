// What the functions of this folder are handed: the open database, and the few facts that their rules depend on.
import type { Price } from "../units.ts";
import type { Db } from "./database.ts";
import type { Reader } from "./read.ts";

/** What the functions of this folder work with. */
export interface Parts {
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
