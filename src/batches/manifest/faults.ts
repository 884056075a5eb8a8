// The faults of a manifest, gathered: all are counted, the first are kept to be shown. Pure.
import type { ManifestFault } from "./entry.ts";

/** So many faults are shown. */
const SHOWN_FAULTS = 100;

/** One fault, and where. */
export interface LineFault {
  line: number;
  field: string;
  message: string;
}

/** Faults as they are found. */
export interface FaultList {
  add(entry: ManifestFault): void;
  readonly count: number;
  /** The first SHOWN_FAULTS. */
  readonly shown: readonly LineFault[];
}

/** An empty list. */
export function createFaultList(): FaultList {
  const shown: LineFault[] = [];
  let count = 0;
  return {
    add({ line, faults }) {
      count += faults.length;
      const room = SHOWN_FAULTS - shown.length;
      for (const { field, message, line: own = line } of faults.slice(0, room))
        shown.push({ line: own, field, message });
    },
    get count() {
      return count;
    },
    shown,
  };
}

/** `night.csv:12: steps: wanted at most 50, got 99`, a line for each fault shown, and how many more there are. */
export function describeFaultList(name: string, faults: Pick<FaultList, "count" | "shown">): string[] {
  const lines = faults.shown.map(({ line, field, message }) => `${name}:${line}: ${field}: ${message}`);
  const more = faults.count - faults.shown.length;
  return more > 0 ? [...lines, `… and ${more.toLocaleString("en")} more`] : lines;
}
