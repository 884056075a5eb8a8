// The one place that loads drizzle, and it loads the CommonJS form. Node's loader of ES modules parses the package.json
// that a module belongs to once for each of its files, and drizzle's lists 447 entries: for 113 files that is 0.4 s of
// CPU and 150 MB of memory, in every process and once more in every thread. Types come from the package as usual.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** What the queries are made of. */
export const {
  and,
  asc,
  count,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  max,
  min,
  ne,
  not,
  or,
  sql,
}: typeof import("drizzle-orm") = require("drizzle-orm");

/** What the tables are made of. */
export const {
  check,
  foreignKey,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
}: typeof import("drizzle-orm/sqlite-core") = require("drizzle-orm/sqlite-core");

/** Over better-sqlite3. */
export const { drizzle }: typeof import("drizzle-orm/better-sqlite3") = require("drizzle-orm/better-sqlite3");

/** Applies what has not been applied. */
export const { migrate }: typeof import("drizzle-orm/better-sqlite3/migrator") =
  require("drizzle-orm/better-sqlite3/migrator");
