// Remembers which requests went by, in 16 bytes each: a million take 32 MiB, where a Set of their ids would take ten times
// as much. Open addressing over typed arrays. Two ids whose 64-bit hashes meet would be taken for one: at a million
// items the odds are one in forty million.
import { hash } from "node:crypto";

/** A memory of ids. */
export interface IdSet {
  /**
   * Notes `id`, unless it is known. Returns undefined for a new one; else the line that it was first seen on, and whether
   * the content was the same. `content` is any hex digest.
   */
  note(id: string, at: { line: number; content: string }): { line: number; same: boolean } | undefined;
  readonly size: number;
  /** Gives its room back at once: the garbage collector would keep 32 MiB for as long as it has no other reason to look. */
  forget(): void;
}

/** Slots at first, and how full they may be. A power of two, so that a mask finds the slot. */
const FIRST_SLOTS = 1024;
const MAX_LOAD = 0.75;

/** An empty memory. One that is `bare` knows no lines and contents: 8 bytes for each, and every repeat is the same. */
export function createIdSet({ bare = false }: { bare?: boolean } = {}): IdSet {
  let table = createTable(FIRST_SLOTS, bare);
  let size = 0;

  function note(id: string, at: { line: number; content: string }): { line: number; same: boolean } | undefined {
    if (size >= table.slots * MAX_LOAD) table = grown(table);
    const digest = hash("sha256", id);
    // 0 marks a free slot
    const high = hexWord(digest, 0) || 1;
    const low = hexWord(digest, 8);
    const content = hexWord(at.content, 0);
    const slot = findSlot(table, { high, low });
    if (table.high[slot] !== 0) return { line: table.line[slot] ?? 0, same: bare || table.content[slot] === content };
    fill(table, slot, { high, low, content, line: at.line });
    size++;
    return undefined;
  }

  return {
    note,
    get size() {
      return size;
    },
    forget: () => {
      release(table);
      table = createTable(FIRST_SLOTS, bare);
      size = 0;
    },
  };
}

interface Table {
  slots: number;
  bare: boolean;
  high: Uint32Array<ArrayBuffer>;
  low: Uint32Array<ArrayBuffer>;
  content: Uint32Array<ArrayBuffer>;
  line: Uint32Array<ArrayBuffer>;
}

interface Row {
  high: number;
  low: number;
  content: number;
  line: number;
}

function createTable(slots: number, bare: boolean): Table {
  // what is written beyond the end of a typed array is dropped
  const column = (length = slots) => new Uint32Array(length);
  const details = bare ? 0 : slots;
  return { slots, bare, high: column(), low: column(), content: column(details), line: column(details) };
}

/** The slot that holds the hash, or the free one where it belongs. */
function findSlot(table: Table, { high, low }: { high: number; low: number }): number {
  const mask = table.slots - 1;
  let slot = (low ^ high) & mask;
  while (table.high[slot] !== 0 && (table.high[slot] !== high || table.low[slot] !== low)) slot = (slot + 1) & mask;
  return slot;
}

function fill(table: Table, slot: number, row: Row): void {
  table.high[slot] = row.high;
  table.low[slot] = row.low;
  table.content[slot] = row.content;
  table.line[slot] = row.line;
}

function grown(table: Table): Table {
  const next = createTable(table.slots * 2, table.bare);
  for (let slot = 0; slot < table.slots; slot++) {
    const high = table.high[slot] ?? 0;
    if (high === 0) continue;
    const row = { high, low: table.low[slot] ?? 0, content: table.content[slot] ?? 0, line: table.line[slot] ?? 0 };
    fill(next, findSlot(next, row), row);
  }
  // at once: left to the garbage collector, it would weigh half as much again while the next million lines are read
  release(table);
  return next;
}

function release({ high, low, content, line }: Table): void {
  for (const column of [high, low, content, line]) column.buffer.transfer(0);
}

function hexWord(hex: string, from: number): number {
  return Number.parseInt(hex.slice(from, from + 8), 16);
}
