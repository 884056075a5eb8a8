// Locking a manifest on a real catalog: what is archived is tied to its images, everything else is told with its reason.
import { describe, expect, test } from "vitest";
import type { ManifestItem } from "../../src/batches/manifest/entry.ts";
import { type ManifestOptions, readManifest } from "../../src/batches/manifest/manifest.ts";
import type { OpenCatalog } from "../../src/catalog/catalog.ts";
import type { LockEntry } from "../../src/domain/lockfile/entry.ts";
import { toRequest } from "../../src/domain/request/submission.ts";
import { compareLock } from "../../src/maintenance/compare-lock.ts";
import { type Locked, lockManifest } from "../../src/maintenance/lock.ts";
import { inPieces, readItems } from "../batches/manifest/support.ts";
import { answer, archiveWhole, asset, openTestCatalog, reserve } from "../catalog/support.ts";
import { collect } from "../support/collect.ts";

const SIGNAL = new AbortController().signal;

function entriesOf(text: string, { name = "m.jsonl", ...options }: ManifestOptions & { name?: string } = {}) {
  return readManifest({ name, bytes: inPieces(text) }, options);
}

function lock(catalog: OpenCatalog, text: string, options: Parameters<typeof entriesOf>[1] = {}): Promise<Locked[]> {
  return collect(lockManifest(entriesOf(text, options), catalog));
}

function entries(locked: readonly Locked[]): LockEntry[] {
  return locked.flatMap((one) => ("entry" in one ? [one.entry] : []));
}

/** `line kind` of what could not be locked. */
function left(locked: readonly Locked[]): string[] {
  return locked.flatMap((one) => ("unlocked" in one ? [`${one.unlocked.line} ${one.unlocked.kind}`] : []));
}

/** Accepts items as `bulk` does. */
async function acceptItems(catalog: OpenCatalog, items: readonly ManifestItem[]): Promise<string[]> {
  for (const { submission } of items) {
    const request = toRequest(submission, { requestId: submission.request_id, random: () => 0.5 });
    await catalog.accept(request, { jobId: `req-${request.request_id}` });
  }
  return items.map(({ submission }) => submission.request_id);
}

/** Takes a request of n images to its end. */
async function archive(catalog: OpenCatalog, id: string, letters: string): Promise<void> {
  const indexes = Array.from(letters, (_, index) => index);
  await catalog.answerCall(await reserve(catalog, id, { n: letters.length, seed: 7 }), answer(indexes));
  for (const index of indexes) await catalog.recordAsset({ request_id: id, index }, asset(letters[index] ?? ""));
  if (!(await catalog.finish(id, { state: "archived" }))) throw new Error(`Got no end of "${id}"`);
}

const YAML = `
defaults: { collection: animals, steps: 30 }
matrix: { style: [oil, woodcut] }
items:
  - prompt: a red fox, {style}
    n: 2
  - prompt: a plain badger
    seeds: 2
  - prompt: a heron
    seed: -1
`;

describe("a manifest whose items are all archived", () => {
  test("is tied to its images: matrix, defaults, derived and drawn seeds, several images of one request", async () => {
    const catalog = await openTestCatalog();
    const items = await readItems("m.yaml", YAML);
    const ids = await acceptItems(catalog, items);
    for (const [at, letters] of ["ab", "cd", "e", "f", "1"].entries()) await archive(catalog, ids[at] ?? "", letters);
    const locked = await lock(catalog, YAML, { name: "m.yaml" });
    expect(left(locked)).toEqual([]);
    const found = entries(locked);
    expect(found.map(({ request_id }) => request_id)).toEqual(ids);
    expect(found.map(({ prompt }) => prompt).slice(0, 3)).toEqual([
      "a red fox, oil",
      "a red fox, woodcut",
      "a plain badger",
    ]);
    const digests = found.map(({ images }) => images.map(({ index, digest }) => `${index}${digest[0]}`).join(" "));
    expect(digests).toEqual(["0a 1b", "0c 1d", "0e", "0f", "01"]);
    const detail = await catalog.find(ids[4] ?? "");
    expect(found[4]?.recipe_id).toBe(detail?.request.recipe_id);
    const { key, bytes, content_type } = asset("a");
    expect(found[0]?.images[0]).toEqual({ index: 0, digest: "a".repeat(64), key, bytes, content_type });
  });

  test("has the images of the request that a reused answer came from", async () => {
    const catalog = await openTestCatalog();
    const text = '{"request_id":"one","prompt":"a","seed":1}\n{"request_id":"two","prompt":"a","seed":1,"tags":["x"]}';
    await acceptItems(catalog, await readItems("m.jsonl", text));
    await archiveWhole(catalog, "one", "a");
    await catalog.reuse("two");
    await catalog.finish("two", { state: "archived" });
    const [one, two] = entries(await lock(catalog, text));
    expect(two?.request_id).toBe("two");
    expect(two?.images).toEqual(one?.images);
  });

  test("is locked page by page, however long it is, and a request that comes again is told as a duplicate", async () => {
    const catalog = await openTestCatalog();
    const lines = Array.from({ length: 1201 }, (_, at) => `{"request_id":"r${at}","prompt":"p${at}"}`);
    const text = [...lines, lines[3]].join("\n");
    await acceptItems(catalog, await readItems("m.jsonl", lines.filter((_, at) => at % 400 === 0).join("\n")));
    for (const at of [0, 400, 800, 1200]) await archiveWhole(catalog, `r${at}`, "abcd"[at / 400]);
    const locked = await lock(catalog, text);
    expect(entries(locked).map(({ request_id, images }) => `${request_id}${images[0]?.digest[0]}`)).toEqual([
      "r0a",
      "r400b",
      "r800c",
      "r1200d",
    ]);
    expect(left(locked)).toHaveLength(1197);
    expect(locked.at(-1)).toEqual({ duplicateOf: 4 });
  });
});

describe("an item that cannot be locked", () => {
  test("is told with what it waits for", async () => {
    const catalog = await openTestCatalog();
    const ids = ["queued", "failed", "cancelled", "parked", "deleted", "archived"];
    const lines = ids.map((id) => `{"request_id":"${id}","prompt":"${id}","seed":1}`);
    await acceptItems(catalog, await readItems("m.jsonl", lines.join("\n")));
    const error = { code: "x", message: "y" };
    for (const state of ["failed", "cancelled", "parked"] as const) await catalog.finish(state, { state, error });
    await archiveWhole(catalog, "deleted", "a");
    await archiveWhole(catalog, "archived", "b");
    await catalog.edits.delete("deleted", Number.MAX_SAFE_INTEGER);
    const more = [
      '{"request_id":"never","prompt":"never"}',
      '{"request_id":"again","prompt":"archived","seed":1}',
      '{"stps": 3}',
    ];
    expect(left(await lock(catalog, [...lines, ...more].join("\n")))).toEqual([
      "1 unfinished",
      "2 failed",
      "3 cancelled",
      "4 parked",
      "5 deleted",
      "7 unknown",
      "8 reusable",
      "9 invalid",
    ]);
  });

  test.each([
    ["another prompt", { prompt: "b" }, ["1 other_recipe"]],
    ["another seed", { seed: 2 }, ["1 other_recipe"]],
    ["a drawn seed, which may be any", { seed: -1 }, []],
    ["a drawn seed, and other steps", { seed: -1, steps: 9 }, ["1 other_recipe"]],
    ["other tags, which make no other picture", { tags: ["x"] }, []],
  ])("is one whose id is archived, and that has %s now", async (_, change, wanted) => {
    const catalog = await openTestCatalog();
    const item = { request_id: "one", prompt: "a", seed: 1 };
    await acceptItems(catalog, await readItems("m.jsonl", JSON.stringify(item)));
    await archiveWhole(catalog, "one");
    expect(left(await lock(catalog, JSON.stringify({ ...item, ...change })))).toEqual(wanted);
  });
});

test("a lock beside its manifest tells what the manifest asks for otherwise", async () => {
  const catalog = await openTestCatalog();
  const lines = ["a", "b", "c"].map((id) => ({ request_id: id, prompt: id, seed: id === "c" ? -1 : 1 }));
  const toText = (items: readonly object[]) => items.map((item) => JSON.stringify(item)).join("\n");
  await acceptItems(catalog, await readItems("m.jsonl", toText(lines)));
  for (const id of ["a", "b", "c"]) await archiveWhole(catalog, id, id);
  const found = entries(await lock(catalog, toText(lines)));
  const compare = (items: readonly object[]) => compareLock(found, entriesOf(toText(items)), { signal: SIGNAL });
  expect(await compare(lines.toReversed())).toEqual({ requests: 3, uncompared: 1, found: [] });
  const [a = {}, , c = {}] = lines;
  const now = await compare([{ ...a, steps: 9 }, { prompt: "new" }, { nothing: 1 }, { ...c, prompt: "other" }]);
  expect(now.found.map(({ kind, line, request_id }) => `${kind} ${line} ${request_id?.slice(0, 2)}`)).toEqual([
    "changed 1 a",
    "added 2 m-",
    "invalid 3 undefined",
    "removed null b",
  ]);
});
