// Files that are no manifest and often taken for one: what they are, and what to do. Told by their first bytes, since a name may
// say anything; the name only tells files of one container apart. Pure.

/** This many bytes tell. */
export const KIND_LENGTH = 512;

const SAVE = "save it as CSV (UTF-8) and give that file";

/** Signatures at the beginning of a file, and what it is then. */
const SIGNATURES: readonly (readonly [signature: string, describe: (name: string, head: string) => string])[] = [
  ["PK\x03\x04", describeZip],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", () => `it is an Excel workbook (xls): ${SAVE}`],
  ["\x1f\x8b", () => "it is compressed with gzip: unpack it first"],
  ["\x28\xb5\x2f\xfd", () => "it is compressed with zstd: unpack it first"],
  ["BZh", () => "it is compressed with bzip2: unpack it first"],
  ["\xfd7zXZ\x00", () => "it is compressed with xz: unpack it first"],
  ["%PDF-", () => "it is a PDF: wanted JSON Lines, CSV, YAML, JSON, or text with a prompt on each line"],
  ["PAR1", () => "it is a Parquet file: write it as JSON Lines or CSV"],
  ["SQLite format 3\x00", () => "it is an SQLite database: write its rows as JSON Lines or CSV"],
  ["\x89PNG", describeImage],
  ["\xff\xd8\xff", describeImage],
];

/** What a file is that cannot be a manifest, and what to do; undefined for any other. */
export function findForeignKind(name: string, head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, KIND_LENGTH)).toString("latin1");
  const found = SIGNATURES.find(([signature]) => text.startsWith(signature));
  if (found !== undefined) return found[1](name, text);
  // spreadsheets have been written as XML and as a web page under the name of a workbook
  if (!/\.(?:xlsx?|xlsm|ods|numbers)$/i.test(nameOnly(name)) || !/^(?:\xef\xbb\xbf)?\s*</.test(text)) return undefined;
  return `it is a spreadsheet written as XML or HTML: ${SAVE}`;
}

function describeZip(name: string, head: string): string {
  const extension = /\.([a-z]+)$/i.exec(nameOnly(name))?.[1]?.toLowerCase();
  if (extension === "numbers" || head.includes("Index/Document.iwa")) return `it is a Numbers spreadsheet: ${SAVE}`;
  if (extension === "ods" || head.includes("opendocument.spreadsheet"))
    return `it is an OpenDocument spreadsheet (ods): ${SAVE}`;
  if (/^xls[xmb]$/.test(extension ?? "") || /\bxl\/|\[Content_Types\]\.xml/.test(head))
    return `it is an Excel workbook (xlsx): ${SAVE}`;
  return "it is a zip archive: unpack it, or where it is a spreadsheet, save that as CSV (UTF-8)";
}

function describeImage(): string {
  return "it is an image: wanted JSON Lines, CSV, YAML, JSON, or text with a prompt on each line";
}

/** A path or address without query and fragment. */
export const nameOnly = (name: string) => name.split(/[?#]/, 1)[0] ?? "";
