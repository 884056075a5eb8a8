// The records of a zip file, as APPNOTE 6.3 has them, with the 64-bit forms where a number is too large. Pure.
// Sizes and CRCs stand before the data, so that a reader of a stream needs no end to begin with.

/** One file of the zip. */
export interface ZipEntry {
  /** With "/" between folders. */
  name: string;
  /** CRC-32 of the file. */
  crc: number;
  bytes: number;
  /** As it lies in the zip; the same where it is stored as it is. */
  packedBytes: number;
  packed: boolean;
  modified: Date;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;

/** What a reader must know: 2.0 for folders and deflate, 4.5 for 64-bit forms. */
const VERSION = 20;
const VERSION_64 = 45;

/** Names are UTF-8. */
const FLAGS = 0x0800;

/** Made on a Unix, so that the file mode below counts: a plain file, readable by all. */
const MADE_BY = 0x0300;
const FILE_MODE = 0o100644;

/** Stands before the data. */
export function localHeader(entry: ZipEntry): Buffer {
  const large = entry.bytes >= MAX_32 || entry.packedBytes >= MAX_32;
  const extra = large ? extra64([entry.bytes, entry.packedBytes]) : Buffer.alloc(0);
  const name = Buffer.from(entry.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(large ? VERSION_64 : VERSION, 4);
  common(entry, large).copy(header, 6);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** Stands in the directory at the end. `offset` is where the local header begins. */
export function directoryRecord(entry: ZipEntry, offset: number): Buffer {
  const large = entry.bytes >= MAX_32 || entry.packedBytes >= MAX_32;
  const far = offset >= MAX_32;
  const extra =
    large || far ? extra64([...(large ? [entry.bytes, entry.packedBytes] : []), ...(far ? [offset] : [])]) : "";
  const name = Buffer.from(entry.name);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(MADE_BY | (large || far ? VERSION_64 : VERSION), 4);
  record.writeUInt16LE(large || far ? VERSION_64 : VERSION, 6);
  common(entry, large).copy(record, 8);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(extra.length, 30);
  record.writeUInt32LE((FILE_MODE << 16) >>> 0, 38);
  record.writeUInt32LE(far ? MAX_32 : offset, 42);
  return Buffer.concat([record, name, Buffer.from(extra)]);
}

/** The last records. `offset` is where the directory begins, `bytes` how long it is. */
export function endRecords({ entries, offset, bytes }: { entries: number; offset: number; bytes: number }): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, MAX_16), 8);
  end.writeUInt16LE(Math.min(entries, MAX_16), 10);
  end.writeUInt32LE(Math.min(bytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  if (entries < MAX_16 && offset < MAX_32 && bytes < MAX_32) return end;
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeUInt16LE(MADE_BY | VERSION_64, 12);
  end64.writeUInt16LE(VERSION_64, 14);
  end64.writeBigUInt64LE(BigInt(entries), 24);
  end64.writeBigUInt64LE(BigInt(entries), 32);
  end64.writeBigUInt64LE(BigInt(bytes), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([end64, locator, end]);
}

// the 20 bytes that both kinds of header have: from the flags to the size
function common({ crc, bytes, packedBytes, packed, modified }: ZipEntry, large: boolean): Buffer {
  const { date, time } = toDosTime(modified);
  const fields = Buffer.alloc(20);
  fields.writeUInt16LE(FLAGS, 0);
  fields.writeUInt16LE(packed ? 8 : 0, 2);
  fields.writeUInt16LE(time, 4);
  fields.writeUInt16LE(date, 6);
  fields.writeUInt32LE(crc, 8);
  fields.writeUInt32LE(large ? MAX_32 : packedBytes, 12);
  fields.writeUInt32LE(large ? MAX_32 : bytes, 16);
  return fields;
}

function extra64(numbers: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * numbers.length);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8 * numbers.length, 2);
  for (const [at, number] of numbers.entries()) extra.writeBigUInt64LE(BigInt(number), 4 + 8 * at);
  return extra;
}

// the clock of 1980, in UTC: two seconds are its smallest step
function toDosTime(time: Date): { date: number; time: number } {
  const year = Math.min(Math.max(time.getUTCFullYear(), 1980), 2107);
  return {
    date: ((year - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    time: (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1),
  };
}
