// The one insert that runs a million times in a row: new requests of a manifest. Columns and their stored forms are those of
// the schema; the statement is better-sqlite3's own, since filling drizzle's placeholders takes as long as SQLite does.
import type { InferInsertModel } from "drizzle-orm";
import { getTableColumns } from "./orm.ts";
import type { Parts } from "./parts.ts";
import { requests } from "./schema.ts";

type Row = InferInsertModel<typeof requests>;

/** An insert that is prepared at the first row. All rows name the same columns; the others get their defaults. */
export function createRequestInsert({ db }: Parts): (row: Row) => void {
  let insert: ((row: Row) => void) | undefined;
  return (row) => {
    insert ??= prepare(db, Object.keys(row) as (keyof Row)[]);
    insert(row);
  };
}

function prepare(db: Parts["db"], names: readonly (keyof Row)[]): (row: Row) => void {
  const all = getTableColumns(requests);
  const columns = names.map((key) => ({ key, column: all[key] }));
  const list = columns.map(({ column }) => `"${column.name}"`).join(", ");
  const marks = columns.map(() => "?").join(", ");
  // "or fail": by itself SQLite keeps every page as it was before a row whose trigger writes more, to take that row alone
  // back. Here one that fails ends its whole transaction, so that a fifth of the inserting can be saved
  const statement = db.$client.prepare(`insert or fail into requests (${list}) values (${marks})`);
  return (row) => {
    const values = columns.map(({ key, column }) => {
      const value = row[key] ?? null;
      return value === null ? null : column.mapToDriverValue(value as never);
    });
    statement.run(values);
  };
}
