// How what is found by a recipe id is worded: its index holds only the beginning of each. Such keys fall on any page of their
// index, so that each new row reads, logs and moves one; of short keys three times as many share a page.
import type { SQL } from "drizzle-orm";
import { sql } from "../db/orm.ts";

/** Of 64 digits. Among a million keys one pair may begin alike, which costs one row read in vain. */
const DIGITS = 10;

/** What the index holds of a key: an expression of the schema and of the queries alike, or SQLite does not know it again. */
export function prefixOf(key: SQL): SQL {
  return sql`substr(${key}, 1, ${sql.raw(`${DIGITS}`)})`;
}

/** `column = key`, by the index. The "in" keeps SQLite from planning anew for each value: see isGiven in prepared.ts. */
export function equalsRecipe(column: SQL, key: SQL): SQL {
  return sql`${prefixOf(column)} = ${prefixOf(key)} and ${column} in (${key})`;
}

/** The column's key begins with these digits, by the index. A range and not "like": only that is one, whatever the collation. */
export function startsWith(column: SQL, digits: string): SQL {
  const known = digits.slice(0, DIGITS);
  return sql`${between(prefixOf(column), known)} and ${between(column, digits)}`;
}

/** The text begins with these characters, by an index that holds all of it. */
export function between(text: SQL, beginning: string): SQL {
  return sql`${text} >= ${beginning} and ${text} < ${`${beginning}~`}`;
}
