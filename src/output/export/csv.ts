// CSV after RFC 4180: a header, CRLF, quotes where they are needed, UTF-8 without a mark. Values stand there as they are
// recorded: a prompt that begins with "=" would be another prompt with an apostrophe before it, so a spreadsheet must be
// told to take the columns as text.
import { EXPORT_FIELDS } from "../report/export-line.ts";
import type { FileFormat } from "./format.ts";

export const CSV: FileFormat = {
  name: "csv",
  about: "a header and a row for each image; tags and metadata are JSON",
  to: "file",
  text: true,
  wants: { images: false, thumbnails: false },
  open: (sink) => {
    let begun = false;
    const begin = async () => {
      if (!begun) await sink.write(toCsvRow(EXPORT_FIELDS));
      begun = true;
    };
    return {
      add: async ({ line }) => {
        await begin();
        await sink.write(toCsvRow(EXPORT_FIELDS.map((field) => line[field])));
      },
      close: begin,
    };
  },
};

/** One row. Nothing for null, JSON for what is neither text nor number. */
export function toCsvRow(values: readonly unknown[]): string {
  return `${values.map(toCell).join(",")}\r\n`;
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
