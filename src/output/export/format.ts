// The port of export formats: what each is given, and what it must do. Types only.
import type { ArchivedImage } from "../../domain/records.ts";
import type { ExportLine } from "../report/export-line.ts";

/** A copy of an image, as it stands in the export. */
export interface ExportFile {
  /** Without a folder; unique in this export also where upper and lower case are the same. Sorts in the order of the export. */
  name: string;
  bytes: Buffer;
  /** SHA-256 of `bytes`; other than the archive's digest where the recipe was put inside. */
  digest: string;
}

/** One image of an export. */
export interface ExportItem {
  /** Counts from 1. */
  number: number;
  source: ArchivedImage;
  line: ExportLine;
  /** For formats that want images. */
  file: ExportFile | undefined;
  /** A WebP, for formats that want thumbnails. */
  thumbnail: Buffer | undefined;
}

/** Where a format that is one stream of bytes goes. */
export interface Sink {
  /** Resolves when there is room for more. */
  write(chunk: string | Uint8Array): Promise<void>;
}

/** An export under way. Nothing is called while another call is not done. */
export interface Writing {
  add(item: ExportItem): Promise<void>;
  /** Writes what comes last. */
  close(): Promise<void>;
  /** Lets go of what it holds beside its target; called at the end, whatever happened. */
  release?(): Promise<void>;
}

/** Which parts of an item a format reads, besides its line. */
export interface Wants {
  images: boolean;
  thumbnails: boolean;
}

interface Described {
  name: string;
  /** For --help. */
  about: string;
  wants: Wants;
}

/** A format that is one file or stream. Text may be shown on a terminal. */
export interface FileFormat extends Described {
  to: "file";
  text: boolean;
  open(sink: Sink): Writing;
}

/** A format that is a folder; `open` is given an empty one. */
export interface FolderFormat extends Described {
  to: "folder";
  open(folder: string): Promise<Writing>;
}

export type Format = FileFormat | FolderFormat;
