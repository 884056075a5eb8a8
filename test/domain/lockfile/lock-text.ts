// A whole lock file at once, as tests want it. The command writes it entry by entry.
import type { LockEntry } from "../../../src/domain/lockfile/entry.ts";
import { type LockDefaults, lockEnd, lockHead, lockLine } from "../../../src/domain/lockfile/write.ts";

/** The text of the lock file with these entries. */
export function lockText(lock: LockDefaults & { entries: readonly LockEntry[]; root: string }): string {
  return `${lockHead(lock)}${lock.entries.map((entry, at) => `${at === 0 ? "" : ","}\n${lockLine(entry)}`).join("")}${lockEnd(lock.root)}`;
}
