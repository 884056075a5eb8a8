// What a worker does for the archive besides its jobs: reproductions that nobody has compared yet, sidecars that follow
// changes, deletions that are due, thumbnails that were not made in time; and second copies, which may take hours.
import type { App } from "../app.ts";
import { createMakeUp } from "../thumbnails/make-up.ts";
import { compareDue } from "./compare.ts";
import { mirrorDue } from "./mirror.ts";
import { eraseDue, resealChanged } from "./tidy.ts";

/** The archive's care, a round with each call. Aborting `signal` ends one after what is in hand. */
export function createArchiveCare(app: App): (signal: AbortSignal) => Promise<void> {
  const makeUp = createMakeUp();
  return async (signal) => {
    const { log, clock } = app;
    const parts = { catalog: app.catalog(), store: app.store(), mirror: app.mirror(), log, clock, signal };
    await compareDue(parts);
    await resealChanged(parts);
    try {
      await eraseDue(parts);
    } finally {
      // a lock that cannot be taken fails each round, until a person sees to it
      await makeUp(parts);
    }
  };
}

/** Copies to the mirror what is due, all of it: nothing else may have to wait until that is done. */
export async function careForMirror(app: App, signal: AbortSignal): Promise<void> {
  const mirror = app.mirror();
  if (mirror === undefined) return;
  const { log, clock } = app;
  await mirrorDue({ keeping: app.catalog().keeping, store: app.store(), mirror, clock, log, signal });
}
