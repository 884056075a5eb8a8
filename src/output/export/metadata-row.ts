// A row of `metadata.jsonl`, which stands beside the images of an export. Pure.
import type { ExportItem } from "./format.ts";

/** `file_name` first, then the promised line; `file_digest` where the file is not byte for byte the archived one. */
export function toMetadataRow({ line, file }: ExportItem, folder = ""): Record<string, unknown> {
  const changed = file !== undefined && file.digest !== line.digest;
  return { file_name: `${folder}${file?.name}`, ...line, ...(changed && { file_digest: file.digest }) };
}

/**
 * The same for the `datasets` library, which wants one type a column: metadata, which may be anything, becomes JSON text.
 * `text` is the prompt again, under the name that training scripts look for.
 */
export function toDatasetRow(item: ExportItem): Record<string, unknown> {
  const { file_name, ...row } = toMetadataRow(item);
  const { prompt, metadata } = item.line;
  return { file_name, text: prompt, ...row, metadata: metadata === null ? null : JSON.stringify(metadata) };
}
