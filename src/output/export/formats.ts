// The formats that there are. One file each, beside this one.
import { RejectedError } from "../../domain/errors.ts";
import { nearest } from "../../domain/request/nearest.ts";
import { CSV } from "./csv.ts";
import type { Format } from "./format.ts";
import { GALLERY } from "./gallery.ts";
import { IMAGEFOLDER } from "./imagefolder.ts";
import { JSONL } from "./jsonl.ts";
import { PARQUET } from "./parquet.ts";
import { ZIP } from "./zip.ts";

export const FORMATS: readonly Format[] = [JSONL, CSV, PARQUET, IMAGEFOLDER, GALLERY, ZIP];

/** The format of this name. Throws a RejectedError `invalid_request` for one that there is not. */
export function toFormat(name: string): Format {
  const format = FORMATS.find((known) => known.name === name);
  if (format !== undefined) return format;
  const names = FORMATS.map((known) => known.name);
  const meant = nearest(name, names);
  const message = `wanted ${names.join(", ")}, got "${name}"${meant === undefined ? "" : `, did you mean ${meant}?`}`;
  throw new RejectedError(`--format: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "--format", message }],
  });
}
