// What a worker does for the archive besides its jobs: reproductions that nobody has compared yet, sidecars that follow
// changes, deletions that are due, thumbnails that were not made in time; and second copies, which may take hours.
import type { App } from "../app/app.ts";
import { compareDue } from "./compare.ts";
import { mirrorDue } from "./mirror.ts";
import { eraseDue, rewriteStaleSidecars } from "./retention.ts";
import { createThumbnailBackfill } from "./thumbnail-backfill.ts";

/** The archive's care, a round with each call. Aborting `signal` ends one after what is in hand. */
export function createArchiveMaintenance(app: App): (signal: AbortSignal) => Promise<void> {
  const makeUp = createThumbnailBackfill();
  return async (signal) => {
    const { log, clock } = app;
    const parts = { catalog: app.catalog(), store: app.store(), mirror: app.mirror(), log, clock, signal };
    await compareDue(parts);
    await rewriteStaleSidecars(parts);
    try {
      await eraseDue(parts);
    } finally {
      // a lock that cannot be taken fails each round, until a person sees to it
      await makeUp(parts);
    }
  };
}

/** Copies to the mirror what is due, all of it: nothing else may have to wait until that is done. */
export async function runMirrorMaintenance(app: App, signal: AbortSignal): Promise<void> {
  const mirror = app.mirror();
  if (mirror === undefined) return;
  const { log, clock } = app;
  await mirrorDue({ integrity: app.catalog().integrity, store: app.store(), mirror, clock, log, signal });
}
