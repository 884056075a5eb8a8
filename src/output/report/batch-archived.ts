// How much of a manifest is archived: the same figures and words in lists, status, schedules and reports. Pure.

/** Items that are archived, those of them that were before this run, and how many different ones the manifest has. */
export interface ArchivedItems {
  items: number;
  of: number;
  from_before: number;
}

export interface ArchivedSource {
  /** Items of the batch, and what became of them when it was enqueued. */
  batch: { items: number; duplicates: number; existing: number };
  /** Archived requests of the batch itself. */
  archived: number;
  /** Items that were there before and are archived now; some of them may have been under way then. */
  before: number;
}

/** The very same request twice is one to archive. */
export function toArchivedItems({ batch, archived, before }: ArchivedSource): ArchivedItems {
  const from_before = Math.max(batch.existing, before);
  return { items: archived + from_before, of: batch.items - batch.duplicates, from_before };
}

/** "200 of 200 (200 from before)". */
export function archivedText({ items, of, from_before }: ArchivedItems): string {
  const before = from_before === 0 ? "" : ` (${number(from_before)} from before)`;
  return `${number(items)} of ${number(of)}${before}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
