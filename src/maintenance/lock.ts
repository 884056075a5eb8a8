// Locking: a manifest's requests, each tied to the images that the catalog has for it; and those that it has none for.
// Reads manifest and catalog page by page, changes nothing.

import type { ManifestEntry, ManifestItem } from "../batches/manifest/entry.ts";
import type { Archived } from "../catalog/assets/find-archived.ts";
import type { ManifestStatus } from "../catalog/batches/manifest-status.ts";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { type LockEntry, promptPrefix } from "../domain/lockfile/entry.ts";
import { RANDOM_SEED, recipeId, toRecipe } from "../domain/request/recipe.ts";
import { chunk } from "../domain/streams.ts";

/**
 * Why an item cannot be locked.
 * - `invalid`: it is no request
 * - `unknown`: the catalog has no such request; `reusable`: nor this one, but images of its recipe
 * - `unfinished`, `failed`, `parked`, `cancelled`: it is not archived
 * - `deleted`: its images go, or are gone
 * - `other_recipe`: its id is archived with another recipe than the manifest asks for now
 */
export type UnlockedKind =
  | "invalid"
  | "unknown"
  | "reusable"
  | "unfinished"
  | "failed"
  | "parked"
  | "cancelled"
  | "deleted"
  | "other_recipe";

/** An item without images, and why. `request_id` is null where there is no request. */
export interface Unlocked {
  kind: UnlockedKind;
  line: number;
  request_id: string | null;
  reason: string;
}

/** What one item of a manifest comes to. */
export type Locked = { entry: LockEntry } | { unlocked: Unlocked } | { duplicateOf: number };

/** So many items are looked up at once. */
const PAGE = 500;

/** Each item of the manifest in its order; a request that comes again is told as a duplicate. */
export async function* lockManifest(
  entries: AsyncIterable<ManifestEntry>,
  catalog: Pick<OpenCatalog, "getManifestStatus" | "findArchivedImages">,
): AsyncGenerator<Locked> {
  for await (const page of chunk(entries, PAGE)) {
    const items = page.filter(isWanted);
    const known = catalog.getManifestStatus(items.map(({ submission }) => toWanted(submission)));
    const byItem = new Map(items.map((item, at) => [item, known[at]]));
    const archived = catalog.findArchivedImages(items.map(({ submission }) => submission.request_id));
    for (const entry of page) {
      if ("faults" in entry) yield { unlocked: toInvalid(entry) };
      else if (entry.duplicateOf !== undefined) yield { duplicateOf: entry.duplicateOf };
      else yield lockItem(entry, { known: byItem.get(entry), archived: archived.get(entry.submission.request_id) });
    }
  }
}

function isWanted(entry: ManifestEntry): entry is ManifestItem {
  return "submission" in entry && entry.duplicateOf === undefined;
}

/** The recipe that an item asks for; null where its seed is to be drawn. */
export function askedRecipe(submission: ManifestItem["submission"]): string | null {
  return submission.seed === RANDOM_SEED ? null : recipeId(toRecipe(submission));
}

function toWanted(submission: ManifestItem["submission"]) {
  return { request_id: submission.request_id, recipe_id: submission.reuse ? askedRecipe(submission) : null };
}

function toInvalid({ line, faults }: Extract<ManifestEntry, { faults: unknown }>): Unlocked {
  const reason = faults.map(({ field, message }) => `${field}: ${message}`).join("; ");
  return { kind: "invalid", line, request_id: null, reason };
}

function lockItem(
  { line, submission }: ManifestItem,
  { known, archived }: { known: ManifestStatus | undefined; archived: Archived | undefined },
): Locked {
  const { request_id, prompt } = submission;
  const unlocked = (kind: UnlockedKind, reason: string) => ({ unlocked: { kind, line, request_id, reason } });
  if (archived === undefined) return unlocked(...whyNot(known));
  if (archived.deleted) return unlocked("deleted", "its deletion was asked for: catalog undelete, or take it out");
  // a drawn seed is whatever the record says; everything else must be what the manifest says
  const seed = submission.seed === RANDOM_SEED ? archived.seed : submission.seed;
  if (recipeId(toRecipe({ ...submission, seed })) !== archived.recipe_id)
    return unlocked("other_recipe", "it is archived under this id with another recipe than the manifest has now");
  const { recipe_id, images } = archived;
  return { entry: { request_id, recipe_id, prompt: promptPrefix(prompt), images } };
}

/** The same rows as in a plan: what is archived is no question here. */
function whyNot(known: ManifestStatus | undefined): [UnlockedKind, string] {
  switch (known?.state) {
    case "failed":
      return ["failed", "it has failed: asset-archiver status tells why, bulk tries it again"];
    case "parked":
      return ["parked", "it waits for a person: asset-archiver retry"];
    case "cancelled":
      return ["cancelled", "it was cancelled: bulk asks for it again"];
    case "queued":
    case "generating":
    case "copying":
      return ["unfinished", `it is ${known.state}`];
    default:
      if (known?.twin === "archived")
        return ["reusable", "its recipe is archived under another id: bulk ties it, free"];
      return ["unknown", "it was never asked for: asset-archiver bulk"];
  }
}
