// A zip of the images and of `metadata.jsonl`, written as it comes. Images are stored as they are: they are packed already.
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, createDeflateRaw } from "node:zlib";
import type { FileFormat, Sink, Writing } from "./format.ts";
import { toMetadataRow } from "./metadata-row.ts";
import { directoryRecord, endRecords, localHeader, type ZipEntry } from "./zip-records.ts";

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
  const metadata = createPacked();
  let begun = false;
  const begin = async () => {
    if (!begun) await zip.store("README.txt", { bytes: Buffer.from(README), modified: new Date() });
    begun = true;
  };
  return {
    add: async (item) => {
      await begin();
      const { file, source } = item;
      if (file === undefined) return;
      await zip.store(`${FOLDER}${file.name}`, { bytes: file.bytes, modified: new Date(source.archived_at) });
      await metadata.write(`${JSON.stringify(toMetadataRow(item, FOLDER))}\n`);
    },
    close: async () => {
      await begin();
      const packed = await metadata.end();
      await zip.add({ name: "metadata.jsonl", packed: true, modified: new Date(), ...packed.facts }, packed.chunks);
      await zip.end();
    },
    release: () => metadata.release(),
  };
}

function createZip(sink: Sink) {
  const directory: Buffer[] = [];
  let offset = 0;
  const write = async (bytes: Uint8Array) => {
    await sink.write(bytes);
    offset += bytes.length;
  };
  const add = async (entry: ZipEntry, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    directory.push(directoryRecord(entry, offset));
    await write(localHeader(entry));
    for await (const chunk of chunks) await write(chunk);
  };
  return {
    add,
    store: (name: string, { bytes, modified }: { bytes: Buffer; modified: Date }) =>
      add({ name, crc: crc32(bytes), bytes: bytes.length, packedBytes: bytes.length, packed: false, modified }, [
        bytes,
      ]),
    end: async () => {
      const begin = offset;
      for (const record of directory) await write(record);
      await write(endRecords({ entries: directory.length, offset: begin, bytes: offset - begin }));
    },
  };
}

/** Text that is packed into a file on the side, since its sizes must stand in front of it, and a million lines are too much to hold. */
function createPacked() {
  let opening: ReturnType<typeof openSpool> | undefined;
  const facts = { crc: 0, bytes: 0, packedBytes: 0 };
  return {
    write: async (text: string) => {
      opening ??= openSpool();
      const { packer } = await opening;
      const bytes = Buffer.from(text);
      facts.crc = crc32(bytes, facts.crc);
      facts.bytes += bytes.length;
      if (!packer.write(bytes)) await once(packer, "drain");
    },
    end: async () => {
      opening ??= openSpool();
      const { packer, pumped, file } = await opening;
      packer.end();
      facts.packedBytes = await pumped;
      return { facts, chunks: file.createReadStream({ start: 0, autoClose: false }) };
    },
    release: async () => {
      if (opening === undefined) return;
      const { folder, packer, pumped, file } = await opening;
      packer.destroy();
      await pumped.catch(() => undefined);
      await file.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openSpool() {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-zip-"));
  const file = await open(join(folder, "metadata"), "w+");
  // it lives on without its name, and is gone with this process however that ends; elsewhere than on Unix it is removed later
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  const packer = createDeflateRaw();
  const pump = async () => {
    let bytes = 0;
    for await (const chunk of packer as AsyncIterable<Buffer>)
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, at);
        at += bytesWritten;
        bytes += bytesWritten;
      }
    return bytes;
  };
  const pumped = pump();
  // it is awaited at the end; until then a failure of it must not end the process
  pumped.catch((error: Error) => packer.destroy(error));
  packer.on("error", () => undefined);
  return { folder, file, packer, pumped };
}
