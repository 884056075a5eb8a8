// Counts what a manifest's requests would come to, page by page: what is there already, what is new, what it takes.
// Reads the catalog, changes nothing.
import type { ManifestKey, ManifestStatus } from "../../catalog/batches/manifest-status.ts";
import { RANDOM_SEED, recipeId, toRecipe } from "../../domain/request/recipe.ts";
import type { ManifestEntry, ManifestItem } from "../manifest/entry.ts";
import { createFaultList, type FaultList } from "../manifest/faults.ts";
import { createIdSet, type IdSet } from "../manifest/id-set.ts";

/** What a run of a manifest would find, and what it would make. */
export interface Tally {
  /** Requests in the manifest; `recipes` apart, the counts below add up to it. */
  items: number;
  /** The very same request again. */
  duplicates: number;
  already_archived: number;
  /** Accepted by an earlier run and on their way. */
  unfinished: number;
  parked: number;
  cancelled: number;
  /** New, and answered by images of another request with the same recipe: free. */
  reused: number;
  /** Failed in an earlier run: tried again. */
  failed_before: number;
  /** New, and to be paid. */
  new: number;
  /** Different recipes among all items. */
  recipes: number;
}

/** What has to be paid: one call for each item that is new or failed before. */
export interface Work {
  calls: number;
  images: number;
  imagesByAspectRatio: Map<string, number>;
}

export interface Tallied {
  tally: Tally;
  work: Work;
  faults: FaultList;
}

export interface TallyOptions {
  lookUp(page: readonly ManifestKey[]): ManifestStatus[];
  onItems?: (items: number) => void;
}

/** So many items are looked up at once. */
const PAGE = 500;

/** Goes through a manifest once. */
export async function tallyManifest(entries: AsyncIterable<ManifestEntry>, options: TallyOptions): Promise<Tallied> {
  const tallied = { tally: { ...NOTHING }, work: { calls: 0, images: 0, imagesByAspectRatio: new Map() } };
  const faults = createFaultList();
  const recipes = createIdSet({ bare: true });
  let page: Candidate[] = [];
  const settle = () => {
    const known = options.lookUp(page.map(({ wanted }) => wanted));
    for (const [index, candidate] of page.entries()) {
      const fault = count(tallied, candidate, known[index]);
      if (fault !== undefined) faults.add({ line: candidate.line, faults: [fault] });
    }
    page = [];
    options.onItems?.(tallied.tally.items);
  };
  for await (const entry of entries) {
    if ("faults" in entry) faults.add(entry);
    else if (entry.duplicateOf !== undefined) countDuplicate(tallied.tally);
    else page.push(toCandidate(entry, recipes));
    if (page.length === PAGE) settle();
  }
  if (page.length > 0) settle();
  return { ...tallied, faults };
}

const NOTHING: Tally = {
  items: 0,
  duplicates: 0,
  already_archived: 0,
  unfinished: 0,
  parked: 0,
  cancelled: 0,
  reused: 0,
  failed_before: 0,
  new: 0,
  recipes: 0,
};

/** What has to be known of an item until its page is looked up: not its texts. */
interface Candidate {
  line: number;
  wanted: ManifestKey;
  contentHash: string;
  n: number;
  aspect_ratio: string;
  /** No earlier item of the manifest has its recipe. */
  isFirst: boolean;
}

function toCandidate({ submission, contentHash, line }: ManifestItem, recipes: IdSet): Candidate {
  const { request_id, n, aspect_ratio, reuse, seed } = submission;
  const facts = { line, contentHash, n, aspect_ratio };
  // nobody knows yet what it will be
  if (seed === RANDOM_SEED) return { ...facts, wanted: { request_id, recipe_id: null }, isFirst: true };
  const recipe = recipeId(toRecipe(submission));
  const isFirst = recipes.note(recipe, { line, content: recipe }) === undefined;
  return { ...facts, wanted: { request_id, recipe_id: reuse ? recipe : null }, isFirst };
}

function countDuplicate(tally: Tally): void {
  tally.items++;
  tally.duplicates++;
}

/** Counts one item; returns what is wrong with it, if so. */
function count(
  { tally, work }: Pick<Tallied, "tally" | "work">,
  candidate: Candidate,
  known: ManifestStatus = { state: null, content_hash: null, twin: null },
): { field: string; message: string } | undefined {
  const { wanted, isFirst } = candidate;
  if (known.state !== null && known.content_hash !== candidate.contentHash) {
    const message = `wanted an id of its own, got "${wanted.request_id}", which the catalog has with other content`;
    return { field: "request_id", message };
  }
  const kind = kindOf(known, wanted.recipe_id !== null && !isFirst);
  tally.items++;
  tally[kind]++;
  if (isFirst) tally.recipes++;
  if (kind === "new" || kind === "failed_before") addWork(work, candidate);
  return undefined;
}

/**
 * | the request | another with its recipe | is |
 * |---|---|---|
 * | archived, parked, cancelled | – | that |
 * | queued, generating, copying | – | unfinished |
 * | failed | archived or on its way, or earlier in the manifest | reused |
 * | failed | none | failed_before |
 * | not there | archived or on its way, or earlier in the manifest | reused |
 * | not there | none | new |
 */
function kindOf(
  { state, twin }: ManifestStatus,
  isRepeated: boolean,
): Exclude<keyof Tally, "items" | "recipes" | "duplicates"> {
  switch (state) {
    case "archived":
      return "already_archived";
    case "parked":
    case "cancelled":
      return state;
    case "queued":
    case "generating":
    case "copying":
      return "unfinished";
    default:
      if (twin !== null || isRepeated) return "reused";
      return state === null ? "new" : "failed_before";
  }
}

function addWork(work: Work, { n, aspect_ratio }: Candidate): void {
  work.calls++;
  work.images += n;
  work.imagesByAspectRatio.set(aspect_ratio, (work.imagesByAspectRatio.get(aspect_ratio) ?? 0) + n);
}
