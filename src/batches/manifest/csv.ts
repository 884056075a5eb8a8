// CSV: a header row that names fields, then an item on each row. Quoted cells may hold commas, quotes and line breaks.
import { pipeline } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import { ConfigError, type Fault } from "../../domain/errors.ts";
import { type Column, toColumns, toFields } from "./csv-cells.ts";
import type { ManifestFault, PlacedFault, RawItem } from "./entry.ts";
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
      const { line, lineOfCell } = lineOf(info, record);
      // a spreadsheet writes rows that were emptied as delimiters alone, and some begin with the delimiter they use
      if (record.every((cell) => cell.trim() === "") || (columns === undefined && SEPARATOR.test(record.join(""))))
        continue;
      if (columns === undefined) {
        const header = toColumns(record);
        columns = header.columns;
        broken = header.faults.length > 0;
        if (broken) yield { line, faults: header.faults };
        continue;
      }
      const fields = toFields(record, columns);
      const lineOfField = toLineOfField(columns, lineOfCell);
      if (Array.isArray(fields)) yield { line, faults: fields.map((fault) => at(fault, line, lineOfField)) };
      else if (!broken) yield { line, fields, lineOf: ([field = ""]) => lineOfField(field) };
    }
  } catch (thrown) {
    throw toManifestError(thrown, options.name);
  }
}

/** The one of , ; and tab that the header row has most of: what a spreadsheet writes depends on where it stands. */
function delimiterOf(head: string): string {
  const [first = ""] = head.trimStart().split(/[\r\n]/);
  const named = SEPARATOR.exec(first)?.[1];
  if (named !== undefined && named !== "") return named;
  const header = first.replace(/"[^"]*"/g, "");
  const count = (delimiter: string) => header.split(delimiter).length;
  return [";", "\t"].reduce((best, other) => (count(other) > count(best) ? other : best), ",");
}

/** A first line by which a spreadsheet is told the delimiter: `sep=;`. The parser takes the delimiter itself away. */
const SEPARATOR = /^"?sep=([,;\t|]?)"?[,;\t|]*$/i;

function at(fault: Fault, line: number, lineOfField: (field: string) => number): PlacedFault {
  const own = lineOfField(fault.field);
  return own === line ? fault : { ...fault, line: own };
}

/** The line of the cell that a field comes from; a fault of the row has the row's. */
function toLineOfField(columns: readonly Column[], lineOfCell: (index: number) => number): (field: string) => number {
  return (field) => {
    const [top, member] = field.split(/\.(.*)/s);
    const whole = columns.findIndex((column) => column.field === top && !("member" in column));
    const part = columns.findIndex((column) => "member" in column && column.field === top && column.member === member);
    return lineOfCell(Math.max(0, part === -1 ? whole : part));
  };
}

/** The line that a record and each of its cells begin on. The parser tells where it ends, and counts \r\n inside of quotes as two. */
function createLineCount(): (info: Info, record: readonly string[]) => Lines {
  let surplus = 0;
  return ({ lines }, record) => {
    let line = lines - surplus;
    for (const cell of record) {
      if (!/[\r\n]/.test(cell)) continue;
      line -= cell.match(/[\r\n]/g)?.length ?? 0;
      surplus += cell.match(/\r\n/g)?.length ?? 0;
    }
    return { line, lineOfCell: (index) => line + countBreaks(record.slice(0, index).join()) };
  };
}

interface Lines {
  line: number;
  lineOfCell(index: number): number;
}

function countBreaks(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

const WORDS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is opened and never closed",
  CSV_INVALID_CLOSING_QUOTE: 'a cell goes on behind its closing quote; a quote within a cell is written twice ("")',
  INVALID_OPENING_QUOTE:
    'a quote stands within a cell without quotes; write the cell in quotes, and the quote twice ("")',
  CSV_MAX_RECORD_SIZE: `a row is longer than ${LINE_MAX_LENGTH} characters; is a quote missing?`,
};

function toManifestError(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof CsvError)) return thrown;
  const { lines } = thrown as { lines?: number };
  const place = lines === undefined ? "" : `line ${lines}: `;
  const words = WORDS[thrown.code] ?? "this is not CSV";
  return new ConfigError(`Cannot read manifest "${name}": ${place}${words}, wanted CSV`, {
    code: "manifest_broken",
    cause: thrown,
  });
}
