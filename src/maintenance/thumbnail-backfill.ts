// Thumbnails and perceptual hashes that were not made at archive time: the process died, was too busy, or the asset is
// older than they are. They are made from what the store holds, and from an existing thumbnail first, which is small.
import { createHash } from "node:crypto";
import type { BackfillAttempt, WithoutThumbnail } from "../catalog/assets/thumbnails.ts";
import { isImageVerdict, TransientError, toMessage } from "../domain/errors.ts";
import { thumbnailKey } from "../domain/keys.ts";
import { createInspector } from "../image/inspect.ts";
import { toThumbnail } from "../image/preview.ts";
import { putThumbnail } from "../image/thumbnail-maker.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import type { Clock, Log, Store } from "../pipeline/ports.ts";
import { withinReadBudget } from "../pipeline/read-budget.ts";

export interface BackfillDeps {
  catalog: {
    readonly integrity: {
      listWithoutThumbnail(page: {
        until: number;
        limit: number;
        after?: WithoutThumbnail | undefined;
      }): WithoutThumbnail[];
      recordBackfillAttempts(looks: readonly BackfillAttempt[]): Promise<void>;
      isErased(digest: string): boolean;
    };
  };
  store: Store;
  /** Default: one image at a time. */
  inspect?: InspectImage;
  clock: Pick<Clock, "now">;
  log: Pick<Log, "warn">;
  signal: AbortSignal;
}

/** Younger assets are left to the process that archived them, in ms. */
const GRACE_MS = 60_000;

/** Assets in one page, and pages in one round: an old archive is gone through bit by bit, beside the other duties. */
const PAGE = 8;
const PAGES = 25;

/** Those that the store did not give out are asked for again after this, in ms; each time in vain doubles it. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** How far the way through the archive has come, from the oldest asset to the youngest, over many rounds. */
interface Pass {
  /** The last one that was looked at; undefined at the beginning. */
  after: WithoutThumbnail | undefined;
  /** Whether the store did not give out some of those behind us. */
  lacking: boolean;
  /** Passes in a row that lacked some. */
  inVain: number;
  /** When the next pass begins; undefined until this one is at its end. */
  restUntil: number | undefined;
  /** Whether it was told that some are lacking. */
  warned: boolean;
}

/**
 * Returns what makes up a part of what is owed with each call, and resolves to how many assets were looked at. What the
 * store does not give out (cold storage, no leave, a broken disk) holds up no other: it is passed over, told once, and asked
 * for again in the next pass, after a pause that grows.
 */
export function createThumbnailBackfill(): (parts: BackfillDeps) => Promise<number> {
  const pass: Pass = { after: undefined, lacking: false, inVain: 0, restUntil: undefined, warned: false };
  return async (parts) => {
    beginAgain(pass, parts.clock.now());
    const inspect = parts.inspect ?? createInspector({ concurrency: 1 });
    let seen = 0;
    for (let page = 0; page < PAGES && !parts.signal.aborted; page++) {
      const done = await makeUpPage(parts, { pass, inspect });
      seen += done.seen;
      if (done.last) break;
    }
    return seen;
  };
}

async function makeUpPage(
  parts: BackfillDeps,
  { pass, inspect }: { pass: Pass; inspect: InspectImage },
): Promise<{ seen: number; last: boolean }> {
  const { catalog, clock, signal } = parts;
  const owed = catalog.integrity.listWithoutThumbnail({
    until: clock.now() - GRACE_MS,
    limit: PAGE,
    after: pass.after,
  });
  const ends = await Promise.allSettled(owed.map((asset) => look({ ...parts, inspect }, asset)));
  const looks = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  const failures = ends.flatMap((end): unknown[] => (end.status === "rejected" ? [end.reason] : []));
  if (looks.length > 0) await catalog.integrity.recordBackfillAttempts(looks);
  if (signal.aborted) return { seen: looks.length, last: true };
  pass.after = owed.at(-1) ?? pass.after;
  if (failures.length > 0) tellLacking(parts, { pass, failures });
  if (owed.length < PAGE) endPass(pass, clock.now());
  // a store that is away, or a decoder without time, would keep the other duties waiting for page after page
  const away = looks.length === 0 && failures.every((failure) => failure instanceof TransientError);
  return { seen: looks.length, last: away || owed.length < PAGE };
}

function tellLacking({ log }: BackfillDeps, { pass, failures }: { pass: Pass; failures: readonly unknown[] }): void {
  pass.lacking = true;
  if (pass.warned) return;
  pass.warned = true;
  log.warn({ assets: failures.length, error: toMessage(failures[0]) }, "thumbnails will be made up later");
}

// until the pause is over, what becomes owed meanwhile is looked at as it comes: it is younger than all behind us
function endPass(pass: Pass, now: number): void {
  if (pass.lacking) {
    pass.restUntil ??= now + Math.min(PAUSE_MS * 2 ** Math.min(pass.inVain, 20), LONGEST_PAUSE_MS);
    return;
  }
  Object.assign(pass, { after: undefined, inVain: 0, warned: false });
}

function beginAgain(pass: Pass, now: number): void {
  if (pass.restUntil === undefined || now < pass.restUntil) return;
  Object.assign(pass, { after: undefined, lacking: false, inVain: pass.inVain + 1, restUntil: undefined });
}

async function look(
  { catalog, store, signal, inspect }: BackfillDeps & { inspect: InspectImage },
  { digest, key, phash, bytes: size }: WithoutThumbnail,
): Promise<BackfillAttempt> {
  const see = (bytes: Buffer | undefined) => bytes && inspect(bytes).catch(undefinedForBadImage);
  const made = await store.get(thumbnailKey(digest), { signal });
  if (made !== undefined && phash !== null) return { digest, phash, thumbnail: "stored" };
  const small = await see(made);
  if (small !== undefined) return { digest, phash: small.phash, thumbnail: "stored" };
  const seen = await withinReadBudget(size, async () => {
    const bytes = await store.get(key, { signal });
    // other bytes may show a picture, too, and it would stand here for good
    return bytes !== undefined && sha256(bytes) === digest ? await see(bytes) : undefined;
  });
  if (seen === undefined) return { digest, phash: null, thumbnail: "impossible" };
  await putThumbnail(store, { digest, bytes: await toThumbnail(seen.preview), signal });
  // a deletion that came meanwhile has looked for it too early
  if (catalog.integrity.isErased(digest)) await store.delete(thumbnailKey(digest), { signal });
  return { digest, phash: seen.phash, thumbnail: "stored" };
}

// only a verdict on the bytes is recorded for good: no time or no memory now says nothing about them
function undefinedForBadImage(thrown: unknown): undefined {
  if (!isImageVerdict(thrown)) throw thrown;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
