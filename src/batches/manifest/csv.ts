// CSV: a header row that names fields, then an item on each row. Quoted cells may hold commas, quotes and line breaks.
import { pipeline } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import { ConfigError } from "../../domain/errors.ts";
import { type Column, toColumns, toFields } from "./csv-cells.ts";
import type { ManifestFault, RawItem } from "./entry.ts";
import { LINE_MAX_LENGTH } from "./text.ts";

interface Row {
  info: Info;
  record: string[];
}

/**
 * Each row's item, or what is wrong with it. Under a header that is wrong no row is an item, and the rows' own faults are
 * still told. Throws ConfigError `manifest_broken` where quotes don't match: what comes after cannot be told apart.
 */
export async function* csvItems(
  pieces: AsyncIterable<string>,
  options: { name: string; head: string },
): AsyncGenerator<RawItem | ManifestFault> {
  const rows = parse({
    delimiter: delimiterOf(options.head),
    // a file that passed through several hands may have all of them
    record_delimiter: ["\r\n", "\n", "\r"],
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LINE_MAX_LENGTH,
  });
  // what fails here is thrown by the loop below
  pipeline(pieces, rows, () => undefined);
  const lineOf = createLineCount();
  let columns: Column[] | undefined;
  let broken = false;
  try {
    for await (const { info, record } of rows as AsyncIterable<Row>) {
      const line = lineOf(info, record);
      if (columns === undefined) {
        const header = toColumns(record);
        columns = header.columns;
        broken = header.faults.length > 0;
        if (broken) yield { line, faults: header.faults };
        continue;
      }
      const fields = toFields(record, columns);
      if (Array.isArray(fields)) yield { line, faults: fields };
      else if (!broken) yield { line, fields };
    }
  } catch (thrown) {
    throw toManifestError(thrown, options.name);
  }
}

/** The one of , ; and tab that the header row has most of: what a spreadsheet writes depends on where it stands. */
function delimiterOf(head: string): string {
  const header = (head.trimStart().split(/\r?\n/)[0] ?? "").replace(/"[^"]*"/g, "");
  const count = (delimiter: string) => header.split(delimiter).length;
  return [";", "\t"].reduce((best, other) => (count(other) > count(best) ? other : best), ",");
}

/** The line that a record begins on. The parser tells where it ends, and counts \r\n inside of quotes as two. */
function createLineCount(): (info: Info, record: readonly string[]) => number {
  let surplus = 0;
  return ({ lines }, record) => {
    let begins = lines - surplus;
    for (const cell of record) {
      if (!/[\r\n]/.test(cell)) continue;
      begins -= cell.match(/[\r\n]/g)?.length ?? 0;
      surplus += cell.match(/\r\n/g)?.length ?? 0;
    }
    return begins;
  };
}

function toManifestError(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof CsvError)) return thrown;
  return new ConfigError(`Cannot read manifest "${name}": ${thrown.message.replace(/\.$/, "")}, wanted CSV`, {
    code: "manifest_broken",
    cause: thrown,
  });
}
