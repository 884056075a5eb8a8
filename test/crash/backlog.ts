// The bound on spending while the store is away: what was generated and not archived must never exceed it, and must stop there.
import { setTimeout as delay } from "node:timers/promises";
import { type Arena, holds } from "./arena.ts";

/** MAX_UNARCHIVED_IMAGES of the store's mode. */
export const BACKLOG_BOUND = 16;

const FILL_MS = 20_000;
const QUIET_MS = 2_500;

/** Waits until spending has stopped, kills a worker, and sees that it stays stopped. */
export async function watchBacklog(
  arena: Arena,
  { killOne }: { killOne: () => Promise<void> },
): Promise<{ images: number; breaches: string[] }> {
  const breaches: string[] = [];
  const catalog = arena.app.catalog();
  let most = 0;
  const look = async () => {
    most = Math.max(most, await catalog.countUnarchivedImages());
    return most;
  };
  // a request of four may not fit any more when three are free
  const full = await holds(async () => (await look()) > BACKLOG_BOUND - 4, FILL_MS);
  if (!full) breaches.push(`only ${most} images were generated while the store was away`);
  await killOne();
  await holds(async () => (await look()) > BACKLOG_BOUND, QUIET_MS);
  const before = (await arena.sandbox.bill()).images;
  await delay(QUIET_MS);
  const after = (await arena.sandbox.bill()).images;
  await look();
  if (after - before > 3) breaches.push(`${after - before} images were bought while ${most} could not be archived`);
  if (most > BACKLOG_BOUND) breaches.push(`${most} images waited to be archived, wanted at most ${BACKLOG_BOUND}`);
  return { images: most, breaches };
}
