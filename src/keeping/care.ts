// What a worker does for the archive besides its jobs: second copies, sidecars that follow changes, deletions that are due,
// thumbnails that were not made in time, reproductions that nobody has compared yet.
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
  if (mirror !== undefined) await mirrorDue({ keeping: catalog.keeping, store, mirror, clock, log, signal });
  await makeUpThumbnails({ catalog, store, clock, log, signal });
}
