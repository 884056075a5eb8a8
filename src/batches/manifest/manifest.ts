// A manifest read: bytes in, one checked submission after the other out, each with its line. Nothing is held but hashes
// of the ids, so that a million lines need hardly more memory than a thousand. Knows neither catalog nor queue.
import type { Fault } from "../../domain/errors.ts";
import { findUnsafeValues } from "../../domain/request/json-safety.ts";
import { checkFields } from "./check.ts";
import { csvItems } from "./csv.ts";
import { readDocument } from "./document.ts";
import {
  type Frame,
  type ManifestEntry,
  type ManifestFault,
  type ManifestSource,
  NO_FRAME,
  type PlacedFault,
  type RawItem,
} from "./entry.ts";
import { expandItem } from "./expand.ts";
import { DETECT_LENGTH, detectFormat, type ManifestFormat } from "./format.ts";
import { createIdSet, type IdSet } from "./id-set.ts";
import { type Identified, identify } from "./identify.ts";
import { parseJson } from "./json.ts";
import { jsonLineItems } from "./json-lines.ts";
import { promptLineItems } from "./prompt-lines.ts";
import { peekText, textOf } from "./text.ts";

export interface ManifestOptions {
  /** Found by name and content where it is not given. */
  format?: ManifestFormat | undefined;
  /** For items that name no collection, where the manifest's `defaults` name none either. */
  collection?: string | undefined;
  /** The same for items that have no tags. */
  tags?: readonly string[] | undefined;
}

/**
 * Every request of a manifest in its order, and every fault where it stands. Requests are the same in each run, ids and
 * seeds included. Throws ConfigError `manifest_unreadable` or `manifest_broken` for a file that cannot be read to its
 * end, TransientError where the network failed. Leaving the loop closes the source.
 */
export async function* readManifest(
  source: ManifestSource,
  options: ManifestOptions = {},
): AsyncGenerator<ManifestEntry> {
  for await (const part of readManifestParts(source, options)) yield* part;
}

/**
 * The same in parts, each to be gone through before the next is asked for: waiting once for the entries of a piece of text
 * costs nothing, waiting for each of a million as much as checking half of it.
 */
export async function* readManifestParts(
  source: ManifestSource,
  options: ManifestOptions = {},
): AsyncGenerator<Iterable<ManifestEntry>> {
  const seen = createIdSet();
  const { frame, parts } = await openItems(source, options);
  const count = { items: 0 };
  try {
    for await (const items of parts) yield entriesOfPart(counted(items, count), { frame, seen });
    // an export that failed leaves a file without rows: a night of nothing must not look like a success
    if (count.items === 0) yield [{ line: 1, faults: [{ field: "(manifest)", message: EMPTY }] }];
  } finally {
    seen.forget();
  }
}

const EMPTY = "wanted at least one item, got none";

type Part = Iterable<RawItem | ManifestFault>;

function* counted(items: Part, count: { items: number }): Part {
  for (const item of items) {
    count.items++;
    yield item;
  }
}

interface Items {
  frame: Frame;
  parts: AsyncIterable<Part> | Iterable<Part>;
}

async function openItems(source: ManifestSource, options: ManifestOptions): Promise<Items> {
  const { name } = source;
  const { head, whole } = await peekText(textOf(source.bytes, name), DETECT_LENGTH);
  const format = options.format ?? detectFormat({ name, mediaType: source.mediaType, head });
  const { collection, tags } = options;
  const defaults = { ...(collection === undefined ? {} : { collection }), ...(tags === undefined ? {} : { tags }) };
  const frame = { ...NO_FRAME, defaults };
  if (format === "jsonl") return { frame, parts: jsonLineItems(whole) };
  if (format === "txt") return { frame, parts: promptLineItems(whole) };
  if (format === "csv") return { frame, parts: inParts(csvItems(whole, { name, head })) };
  // the YAML parser takes a while to load, and most manifests don't need it
  const parse = format === "json" ? parseJson : (await import("./yaml.ts")).parseYaml;
  const document = readDocument(await parse(whole, name), defaults);
  return { frame: document.frame, parts: [document.items] };
}

// rows come one by one: each is a part of its own
async function* inParts(items: AsyncIterable<RawItem | ManifestFault>): AsyncGenerator<Part> {
  for await (const item of items) yield [item];
}

function* entriesOfPart(items: Part, parts: { frame: Frame; seen: IdSet }): Generator<ManifestEntry> {
  for (const item of items) {
    if ("faults" in item) yield item;
    else yield* entriesOf(item, parts);
  }
}

function* entriesOf(item: RawItem, parts: { frame: Frame; seen: IdSet }): Generator<ManifestEntry> {
  const { line } = item;
  // what is wrong with an item is wrong with everything that it expands to: said once
  const told = new Set<string>();
  const unsafe = unsafeIn(item, parts.frame);
  if (unsafe.length > 0) return yield { line, faults: placed(untold(unsafe, told), item) };
  for (const expanded of expandItem(item, parts.frame)) {
    const checked = "faults" in expanded ? expanded.faults : checkFields(expanded.fields);
    if (Array.isArray(checked)) {
      const faults = untold(checked, told);
      if (faults.length > 0) yield { line, faults: placed(faults, item) };
      continue;
    }
    for (const identified of identify(checked.submission, checked)) {
      const entry = toEntry(line, identified, parts.seen);
      if ("submission" in entry || untold(entry.faults, told).length > 0) yield entry;
    }
  }
}

/** What of an item cannot be kept, and, where that can be said without expanding it, what else is wrong with it. */
function unsafeIn(item: RawItem, frame: Frame): Fault[] {
  const { fields, textFaults = [] } = item;
  const isPlain = !("matrix" in fields) && !frame.templates;
  // the check of a plain item looks for it by itself
  if (isPlain && textFaults.length === 0) return [];
  const unsafe = findUnsafeValues(fields);
  const named = new Set(textFaults.map(({ field }) => field));
  const faults = [...textFaults, ...unsafe.filter(({ field }) => !named.has(field))];
  if (faults.length === 0 || !isPlain) return faults;
  const checked = checkFields(fields);
  const bad = new Set(faults.map(topField));
  return Array.isArray(checked) ? [...faults, ...checked.filter((fault) => !bad.has(topField(fault)))] : faults;
}

const topField = ({ field }: Fault) => field.split(".")[0];

/** Faults with the lines of their own fields, where these are others than the item's. */
function placed(faults: readonly Fault[], { line, lineOf }: RawItem): PlacedFault[] {
  return faults.map((fault) => {
    const own = lineOf?.(fault.field.split(".")) ?? line;
    return own === line ? fault : { ...fault, line: own };
  });
}

function untold(faults: readonly Fault[], told: Set<string>): Fault[] {
  return faults.filter(({ field, message }) => {
    const text = `${field}: ${message}`;
    if (told.has(text)) return false;
    told.add(text);
    return true;
  });
}

function toEntry(line: number, { submission, contentHash }: Identified, seen: IdSet): ManifestEntry {
  const id = submission.request_id;
  if (id.length > 100) {
    return { line, faults: [{ field: "request_id", message: `wanted at most 100 characters, got "${id}"` }] };
  }
  const earlier = seen.note(id, { line, content: contentHash });
  if (earlier === undefined) return { line, submission, contentHash };
  if (earlier.same) return { line, submission, contentHash, duplicateOf: earlier.line };
  const message =
    earlier.line === line
      ? `wanted an id for each request of this item, such as "${id}-{variable}", got "${id}" again with other content`
      : `wanted an id of its own, got "${id}", which line ${earlier.line} has with other content`;
  return { line, faults: [{ field: "request_id", message }] };
}
