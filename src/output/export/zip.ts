// A zip of the images and of `metadata.jsonl`, written as it comes. Nothing is packed: images are packed already.
import type { FileHandle } from "node:fs/promises";
import { makeZip } from "client-zip";
import { openAnonymousTempFile } from "../../storage/anonymous-temp-file.ts";
import type { FileFormat, Sink, Writing } from "./format.ts";
import { toMetadataRow } from "./metadata-row.ts";

export const ZIP: FileFormat = {
  name: "zip",
  about: "the images, and metadata.jsonl with a line for each",
  to: "file",
  text: false,
  wants: { images: true, thumbnails: false },
  open: openZip,
};

const FOLDER = "images/";

const README = `Images from an asset-archiver catalog.

metadata.jsonl has a JSON line for each image: file_name, then prompt, seed and all parameters that made it, and the SHA-256
of the archived image (digest; file_digest where this copy carries its recipe inside and so has another one).
`;

function openZip(sink: Sink): Writing {
  const zip = createZip(sink);
  const metadata = createSideFile();
  let beginning: Promise<void> | undefined;
  const begin = () => {
    beginning ??= zip.add({ name: "README.txt", input: README, lastModified: new Date() });
    return beginning;
  };
  return {
    add: async (item) => {
      await begin();
      const { file, source } = item;
      if (file === undefined) return;
      await zip.add({ name: `${FOLDER}${file.name}`, input: file.bytes, lastModified: new Date(source.archived_at) });
      await metadata.write(`${JSON.stringify(toMetadataRow(item, FOLDER))}\n`);
    },
    close: async () => {
      await begin();
      await zip.add({ name: "metadata.jsonl", input: await metadata.read(), lastModified: new Date() });
      await zip.end();
    },
    release: async () => {
      await zip.release();
      await metadata.release();
    },
  };
}

interface Entry {
  name: string;
  input: string | Buffer | AsyncIterable<Buffer>;
  lastModified: Date;
}

/** Between us, who add file by file, and the zip, which asks for one after another. One waits in between at most. */
function createZip(sink: Sink) {
  const entries = new TransformStream<Entry, Entry>();
  const writer = entries.writable.getWriter();
  const pump = async () => {
    for await (const chunk of makeZip(entries.readable)) await sink.write(chunk).catch(giveUp);
  };
  // the zip may be waiting for the next file, and would not let itself be ended before that comes
  const giveUp = (error: unknown) => {
    writer.abort(error).catch(() => undefined);
    throw error;
  };
  const written = pump();
  // it is awaited with whatever is added next; until then a failure of it must not end the process
  written.catch(() => undefined);
  return {
    add: async (entry: Entry) => {
      const taken = writer.write(entry);
      taken.catch(() => undefined);
      await Promise.race([taken, written]);
    },
    end: async () => {
      await Promise.race([writer.close(), written]);
      await written;
    },
    release: async () => {
      await writer.abort().catch(() => undefined);
      await written.catch(() => undefined);
    },
  };
}

/** Text that comes last in the zip and is written all the time: a million lines are too much to hold. */
function createSideFile() {
  let opening: Promise<FileHandle> | undefined;
  const use = () => {
    opening ??= openAnonymousTempFile("zip");
    return opening;
  };
  return {
    write: async (text: string) => (await use()).appendFile(text),
    read: async () => (await use()).createReadStream({ start: 0, autoClose: false }),
    release: async () => (await opening)?.close(),
  };
}
