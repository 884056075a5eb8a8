// Statements built once for each open database. Putting one together and letting SQLite plan it costs several times as much
// as running it: what a request passes through is prepared here, what people ask now and then need not be.

import type { SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "./database.ts";
import { sql } from "./orm.ts";

/** Remembers what `prepare` makes of each database, for as long as the database is there. */
export function prepared<Statement extends object>(prepare: (db: Db) => Statement): (db: Db) => Statement {
  const made = new WeakMap<Db, Statement>();
  return (db) => {
    const known = made.get(db);
    if (known !== undefined) return known;
    const statement = prepare(db);
    made.set(db, statement);
    return statement;
  };
}

/**
 * `column = value`, the value handed over when the statement runs. For statements that sort, take distinct rows or a
 * maximum: of those SQLite looks at the value behind "=" while it plans, and plans anew for each further one, which takes
 * five times as long as running it. "in" with one value is the same search. A LIMIT that is handed over costs the same,
 * and a state that a partial index names; both are written out.
 */
export function equalsParam(column: SQLiteColumn, name: string): SQL {
  return sql`${column} in (${param(name)})`;
}

/**
 * A value that is handed over when the statement runs. Typed as the value itself: drizzle takes a placeholder wherever it
 * takes a value, and turns what is handed over into the column's own form, but its types say so for inserts only.
 */
export function param<Value>(name: string): Value {
  return sql.placeholder(name) as Value;
}
