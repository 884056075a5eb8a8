// What a worker does for the archive besides its jobs: reproductions that nobody has compared yet, sidecars that follow
// changes, deletions that are due, thumbnails that were not made in time; and second copies, which may take hours.
import type { App } from "../app.ts";
import { makeUpThumbnails } from "../thumbnails/make-up.ts";
import { compareDue } from "./compare.ts";
import { mirrorDue } from "./mirror.ts";
import { eraseDue, resealChanged } from "./tidy.ts";

/** One round of it. Aborting `signal` ends it after what is in hand. */
export async function careForArchive(app: App, signal: AbortSignal): Promise<void> {
  const catalog = app.catalog();
  const { log, clock } = app;
  const store = app.store();
  const mirror = app.mirror();
  await compareDue({ catalog, store, clock, log, signal });
  await resealChanged({ catalog, store, mirror, log, signal });
  await eraseDue({ catalog, store, mirror, log, signal });
  await makeUpThumbnails({ catalog, store, clock, log, signal });
}

/** Copies to the mirror what is due, all of it: nothing else may have to wait until that is done. */
export async function careForMirror(app: App, signal: AbortSignal): Promise<void> {
  const mirror = app.mirror();
  if (mirror === undefined) return;
  const { log, clock } = app;
  await mirrorDue({ keeping: app.catalog().keeping, store: app.store(), mirror, clock, log, signal });
}
