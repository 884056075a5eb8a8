// What looks like a picture: its perceptual hash beside those of all assets, the nearest first.
import type { Similar } from "../catalog/assets/similar.ts";
import type { Asset } from "../domain/records.ts";
import { findNear } from "../image/perceptual-hash.ts";

/** An asset that looks like what was asked for. `distance`: 0 (looks the same) to 64. */
export type SimilarAsset = Asset & { distance: number };

export interface SimilarOptions {
  /** The hashes of what it is to look like: the nearest counts. */
  like: readonly string[];
  maxDistance: number;
  limit: number;
  /** Digests that are left out: what was asked for itself. */
  except?: ReadonlySet<string>;
}

export interface SimilarFound {
  /** The nearest first, at most `limit` of them. */
  found: SimilarAsset[];
  /** Whether there are more of them. */
  more: boolean;
  /** Assets that could not be compared, because they were not looked at yet. */
  unhashed: number;
}

/** So many places are looked up at once: most of the time more than are wanted. */
const CHUNK = 200;

/** Looks through all hashes once. */
export function findSimilar(similar: Similar, options: SimilarOptions): SimilarFound {
  const { limit, except = new Set() } = options;
  const { distances, unhashed } = nearAssetIds(similar, options);
  const near = [...distances].sort(([place, a], [other, b]) => a - b || place - other);
  const found: SimilarAsset[] = [];
  for (let from = 0; from < near.length && found.length <= limit; from += CHUNK) {
    const chunk = near.slice(from, from + CHUNK);
    const assets = similar.at(chunk.map(([place]) => place));
    for (const [place, distance] of chunk) {
      const asset = assets.get(place);
      if (asset !== undefined && !except.has(asset.digest)) found.push({ ...asset, distance });
    }
  }
  return { found: found.slice(0, limit), more: found.length > limit, unhashed };
}

/** The asset ids of all that are near enough, each with its smallest distance. */
function nearAssetIds(similar: Similar, { like, maxDistance }: SimilarOptions) {
  const distances = new Map<number, number>();
  let unhashed = 0;
  for (const piece of similar.pieces()) {
    unhashed += piece.unhashed;
    const near = like.flatMap((wanted) => findNear(piece.hashes, wanted, maxDistance));
    const ids = near.length === 0 ? [] : piece.ids();
    for (const { at, distance } of near) {
      const id = ids[at] ?? 0;
      distances.set(id, Math.min(distance, distances.get(id) ?? Number.POSITIVE_INFINITY));
    }
  }
  return { distances, unhashed };
}
