// The last resort of a repair: images of which no good copy is left anywhere are made again of their recipes. What comes
// stands beside the lost one as a request of its own. Only where it is the same to the byte is the lost image back, since
// images lie under their digests.
import type { App } from "../app.ts";
import { createInspector } from "../image/inspect.ts";
import type { Repaired } from "../keeping/repair.ts";
import { prove } from "../keeping/verify.ts";
import type { Proof, RequestDetail } from "../pipeline/records.ts";
import { askWithin, findOriginal, type Original, REPRODUCTIONS } from "./ask.ts";
import { type FollowOptions, followReproductions } from "./follow.ts";

export interface RemakeOptions extends Pick<FollowOptions, "signal" | "onLook"> {
  /** No more images are paid for, whatever is lost. */
  maxImages: number;
}

/** Re-makes what a repair had to leave, as far as the budget goes; the same list, with what came of it. */
export async function remakeLost(
  app: App,
  repaired: readonly Repaired[],
  { maxImages, ...follow }: RemakeOptions,
): Promise<Repaired[]> {
  const lost = repaired.filter(isLost);
  const wanted = await findOriginals(app, lost);
  const affordable = within([...new Map([...wanted.values()].map((one) => [one.request_id, one])).values()], maxImages);
  if (affordable.length === 0) return repaired.map((one) => (isLost(one) ? notRemade(one, wanted) : one));
  const { batchId, ids } = await askWithin(app, affordable, { collection: REPRODUCTIONS, maxImages });
  const { why, details } = await followReproductions(app, ids, { ...follow, batchId });
  const byOriginal = new Map(details.map((detail) => [detail.request.reproduces, detail]));
  const ends: Repaired[] = [];
  for (const one of repaired) {
    const made = isLost(one) ? byOriginal.get(wanted.get(one.digest ?? "")?.request_id ?? "") : undefined;
    if (made !== undefined) ends.push(await toEnd(app, one, { made, idle: why === "no_worker" }));
    else ends.push(isLost(one) ? notRemade(one, wanted) : one);
  }
  return ends;
}

function isLost({ kind, left, digest }: Repaired): boolean {
  return left !== null && digest !== null && (kind === "missing" || kind === "corrupt" || kind === "undecodable");
}

/** Of each lost image the oldest request that can be asked again; images of one request share it. */
async function findOriginals(app: App, lost: readonly Repaired[]): Promise<Map<string, Original>> {
  const found = new Map<string, Original>();
  for (const { digest } of lost) {
    if (digest === null) continue;
    for (const { request_id } of app.catalog().browse.imagesOf(digest, REQUESTS_LOOKED_AT)) {
      const original = await findOriginal(app, request_id).catch(() => undefined);
      if (original === undefined || original.deleted_at !== null) continue;
      found.set(digest, original);
      break;
    }
  }
  return found;
}

const REQUESTS_LOOKED_AT = 20;

function within(originals: readonly Original[], maxImages: number): Original[] {
  let images = 0;
  return originals.filter(({ recipe }) => {
    if (images + recipe.n > maxImages) return false;
    images += recipe.n;
    return true;
  });
}

function notRemade(one: Repaired, wanted: ReadonlyMap<string, Original>): Repaired {
  const left = wanted.has(one.digest ?? "")
    ? "no copy was found, and the budget is too small to make it again"
    : "no copy was found, and no request is left whose recipe could be asked for again";
  return { ...one, left };
}

async function toEnd(
  app: App,
  one: Repaired,
  { made, idle }: { made: RequestDetail; idle: boolean },
): Promise<Repaired> {
  const { request_id, state, error } = made.request;
  const remade_as = request_id;
  if (made.proof === null) {
    const reason = idle ? "no worker lives" : error && `${error.code}: ${error.message}`;
    const why = reason === null ? "" : ` (${reason})`;
    return { ...one, remade_as, left: `asked for again as request "${request_id}", which is ${state}${why}` };
  }
  if (await isBack(app, one)) return { ...one, by: "remade", left: null, remade_as };
  return { ...one, remade_as, left: `made again as request "${request_id}": ${describe(made.proof, one)}` };
}

/** Whether the very bytes are there again, and show an image. */
async function isBack(app: App, { digest }: Repaired): Promise<boolean> {
  const { browse, keeping } = app.catalog();
  const asset = browse.asset(digest ?? "");
  if (asset === undefined) return false;
  const inspect = createInspector({ concurrency: 1 });
  const { fault } = await prove(asset, { store: app.store(), inspect, signal: new AbortController().signal });
  if (fault !== undefined) return false;
  await keeping.noteProofs([{ digest: asset.digest, fault: null }]);
  return true;
}

// the lost bytes themselves can no longer be looked at: whether others of the request came out the same tells how far
// to trust the new one
function describe({ images }: Proof, { digest }: Repaired): string {
  const own = images.find((image) => image.original_digest === digest);
  const others = images.filter((image) => image !== own && image.outcome !== "incomparable");
  const beside = others.map((image) => `image ${image.index} ${image.outcome.replace("_", " ")}`).join(", ");
  return `other bytes than the lost ones${beside === "" ? "" : `; beside it ${beside}`}. The lost ones stay as they are`;
}
