// What a manifest is made of: its bytes, raw items as the formats give them, and the entries that readers get. Types only.
import type { Fault } from "../../domain/errors.ts";
import type { Submission } from "../../domain/request/submission.ts";

/** A manifest that can be read once. */
export interface ManifestSource {
  /** For people, and for the format: no query, no user, no password. */
  name: string;
  bytes: AsyncIterable<Uint8Array>;
  /** As a server named it. */
  mediaType?: string | undefined;
}

/** A submission as a manifest gives it: its id is settled, and its seed too unless -1 was asked for. The same in every run. */
export type ManifestSubmission = Submission & { request_id: string };

/** One request of a manifest. `line` is where its item begins, counted from 1. */
export interface ManifestItem {
  line: number;
  submission: ManifestSubmission;
  /** As the catalog will hold it: SHA-256 of what is asked for, whatever its id. */
  contentHash: string;
  /** The line of an earlier item that is the very same request: count it as a duplicate, there is nothing to enqueue. */
  duplicateOf?: number;
}

/** A fault, and the line of the field itself where that is another than the item's. */
export type PlacedFault = Fault & { line?: number };

/** What is wrong with one item, or with the part of a manifest that begins at `line`. */
export interface ManifestFault {
  line: number;
  faults: PlacedFault[];
}

export type ManifestEntry = ManifestItem | ManifestFault;

/** Fields by name, not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** An item as it stands in the manifest. */
export interface RawItem {
  line: number;
  fields: Fields;
  /** What the text has that the fields do not say: the item cannot be enqueued. */
  textFaults?: readonly Fault[];
  /** The line of the field at this path, or of the nearest part around it. */
  lineOf?(path: readonly string[]): number;
  /** Numbers and words below a field that read otherwise than their values (1.10, 007), by their paths, such as `style/0`. */
  textsOf?(path: readonly string[]): ReadonlyMap<string, string>;
}

/** A value of a matrix. `text` is how it was written, for the texts that name it; undefined for lists and objects. */
export interface MatrixValue {
  value: unknown;
  text: string | undefined;
}

/** What holds for all items of a document, unless they say otherwise. */
export interface Frame {
  /** Fields, and `seeds`. */
  defaults: Fields;
  /** Values by field or by variable of the templates, in the order in which they are multiplied. */
  matrix: ReadonlyMap<string, readonly MatrixValue[]>;
  /** Whether `{variable}` in a text is to be filled in; where not, texts are taken letter by letter. */
  templates: boolean;
}

/** The frame of manifests that have none. */
export const NO_FRAME: Frame = { defaults: {}, matrix: new Map(), templates: false };
