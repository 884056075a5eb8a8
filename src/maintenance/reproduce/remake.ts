// The last resort of a repair: images of which no good copy is left anywhere are made again of their recipes. What comes
// stands beside the lost one as a request of its own. Only where it is the same to the byte is the lost image back, since
// images lie under their digests.
import type { App } from "../../app/app.ts";
import type { Proof, RequestDetail } from "../../domain/records.ts";
import { createInspector } from "../../image/inspect.ts";
import type { Repaired } from "../repair.ts";
import { prove } from "../verify.ts";
import { askWithin, findOriginal, type Original, REPRODUCTIONS } from "./ask.ts";
import { type FollowOptions, followReproductions } from "./follow.ts";

export interface RemakeOptions extends Pick<FollowOptions, "signal" | "onLook"> {
  /** No more images are paid for, whatever is lost. */
  maxImages: number;
  /** Pay again, too, for what was made again before and came out different, or is still being made. Default: no. */
  again?: boolean;
}

/** Re-makes what a repair had to leave, as far as the budget goes; the same list, with what came of it. */
export async function remakeLost(
  app: App,
  repaired: readonly Repaired[],
  { maxImages, again = false, ...follow }: RemakeOptions,
): Promise<Repaired[]> {
  const wanted = await findOriginals(app, repaired.filter(isLost));
  const known = again ? new Map<string, Remade>() : await findRemade(app, wanted);
  const unknown = [...wanted].flatMap(([digest, one]) => (known.has(digest) ? [] : [[one.request_id, one] as const]));
  const affordable = within([...new Map(unknown).values()], maxImages);
  const leave = (one: Repaired) => (isLost(one) ? (toKnown(one, known) ?? notRemade(one, wanted)) : one);
  if (affordable.length === 0) return repaired.map(leave);
  const { batchId, ids } = await askWithin(app, affordable, { collection: REPRODUCTIONS, maxImages });
  const { why, details } = await followReproductions(app, ids, { ...follow, batchId });
  const byOriginal = new Map(details.map((detail) => [detail.request.reproduces, detail]));
  const ends: Repaired[] = [];
  for (const one of repaired) {
    const isOpen = isLost(one) && !known.has(one.digest ?? "");
    const made = isOpen ? byOriginal.get(wanted.get(one.digest ?? "")?.request_id ?? "") : undefined;
    ends.push(made === undefined ? leave(one) : await toEnd(app, one, { made, idle: why === "no_worker" }));
  }
  return ends;
}

function isLost({ digest, lost }: Repaired): boolean {
  return lost === true && digest !== null;
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

/** A request by which a lost image was asked for before, and what came of it. */
interface Remade {
  request_id: string;
  left: string;
}

const PAY_AGAIN = "pay for it once more with --again";

/** Of which lost images it is known that asking once more is paid in vain, or that they are asked for already. */
async function findRemade(app: App, wanted: ReadonlyMap<string, Original>): Promise<Map<string, Remade>> {
  const known = new Map<string, Remade>();
  for (const [digest, { request_id }] of wanted) {
    const remade = await lastRemade(app, { digest, original: request_id });
    if (remade !== undefined) known.set(digest, remade);
  }
  return known;
}

/**
 * The newest reproduction that did not fail decides.
 *
 * | it is | and holds the lost bytes | asked for again |
 * |---|---|---|
 * | archived | no | no: the recipe makes another image now |
 * | archived | yes | yes: they were lost a second time |
 * | on its way, or parked | – | no: it is paid, or may be |
 */
async function lastRemade(
  app: App,
  { digest, original }: { digest: string; original: string },
): Promise<Remade | undefined> {
  for (const { request_id, state } of app.catalog().reproductions.of(original)) {
    if (state === "failed" || state === "cancelled") continue;
    if (state !== "archived")
      return {
        request_id,
        left: `asked for again already as request "${request_id}", which is ${state}; ${PAY_AGAIN}`,
      };
    const made = await app.catalog().find(request_id);
    if (made?.images.some((image) => image.digest === digest)) return undefined;
    return { request_id, left: `made again before as request "${request_id}", with other bytes; ${PAY_AGAIN}` };
  }
  return undefined;
}

function toKnown(one: Repaired, known: ReadonlyMap<string, Remade>): Repaired | undefined {
  const before = known.get(one.digest ?? "");
  return before && { ...one, left: before.left, remade_as: before.request_id };
}

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
  const { browse, integrity } = app.catalog();
  const asset = browse.asset(digest ?? "");
  if (asset === undefined) return false;
  const inspect = createInspector({ concurrency: 1 });
  const { fault } = await prove(asset, { store: app.store(), inspect, signal: new AbortController().signal });
  if (fault !== undefined) return false;
  await integrity.recordProofs([{ digest: asset.digest, fault: null }]);
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
