import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { SearchOptions, SearchQuery } from "../../../src/catalog/search/search.ts";
import { countTerm, parseTerms } from "../../../src/catalog/search/terms.ts";
import { toWords } from "../../../src/catalog/search/text.ts";
import type { SubmissionInput } from "../../../src/domain/request/submission-input.ts";
import { accept, archiveWhole, openTestCatalog } from "../support.ts";

/** The ids of a first page. */
function ids(catalog: OpenCatalog, query: SearchQuery, options: SearchOptions = {}): string[] {
  return catalog.search(query, options).items.map((hit) => hit.request.request_id);
}

/** The ids of all pages. */
function allIds(catalog: OpenCatalog, query: SearchQuery, options: SearchOptions): string[] {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = catalog.search(query, { ...options, cursor });
    found.push(...page.items.map((hit) => hit.request.request_id));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

async function openZoo(): Promise<OpenCatalog> {
  const catalog = await openTestCatalog();
  const zoo: [string, Partial<SubmissionInput>][] = [
    ["fox-zh", { prompt: "一只红色狐狸在雪地里奔跑，水彩风格", collection: "动物", tags: ["狐狸", "冬天"] }],
    ["cat-zh", { prompt: "窗台上的橘猫，油画", aspect_ratio: "16:9", tags: ["猫"] }],
    ["fox-en", { prompt: "a red fox running in the snow, watercolour", seed: 42, n: 2 }],
    ["foxes-en", { prompt: "Foxes at night", negative_prompt: "snow, blurry", steps: 30, guidance_scale: 4.5 }],
    ["fox-ja", { prompt: "雪の中を走る赤いキツネ" }],
  ];
  for (const [id, fields] of zoo) await accept(catalog, id, fields);
  return catalog;
}

describe("search by words", () => {
  it.each([
    ["狐", ["fox-zh"]],
    ["狐狸", ["fox-zh"]],
    ["红色狐狸", ["fox-zh"]],
    ["红狐", []],
    ["水彩", ["fox-zh"]],
    ["雪", ["fox-ja", "fox-zh"]],
    ["猫", ["cat-zh"]],
    ["雪地 水彩", ["fox-zh"]],
    ["キツネ", ["fox-ja"]],
    ["fox", ["fox-en"]],
    ["FOX", ["fox-en"]],
    ["fox*", ["foxes-en", "fox-en"]],
    ["fo*", ["foxes-en", "fox-en"]],
    ["snow", ["fox-en", "foxes-en"]],
    ['"red fox"', ["fox-en"]],
    ['"fox red"', []],
    ["fox* -night", ["fox-en"]],
    ["wolf", []],
  ])("%s finds %j", async (text, wanted) => {
    expect(ids(await openZoo(), { text }).toSorted()).toEqual(wanted.toSorted());
  });

  it("puts what says it more often, and in fewer words, first", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "twice", { prompt: "a fox and a fox" });
    await accept(catalog, "long", { prompt: `a fox ${"and so on ".repeat(30)}` });
    await accept(catalog, "once", { prompt: "a fox and a cat" });
    await accept(catalog, "not-wanted", { prompt: "a cat and a dog", negative_prompt: "fox" });
    expect(ids(catalog, { text: "fox" })).toEqual(["twice", "once", "long", "not-wanted"]);
  });

  it("puts the newer of equals first", async () => {
    const catalog = await openTestCatalog();
    for (const id of ["a", "b", "c"]) await accept(catalog, id, { prompt: "a fox" });
    expect(ids(catalog, { text: "fox" })).toEqual(["c", "b", "a"]);
  });

  it("finds what a plain reading of every prompt finds, whatever is typed", async () => {
    const catalog = await openTestCatalog();
    const words = fc.array(fc.constantFrom("red", "fox", "fo", "狐", "狸", "红", "雪", "foxes", ",", " ", "猫3d"));
    const prompts = fc.sample(words, { numRuns: 150, seed: 7 }).map((parts) => parts.join("") || "x");
    for (const [at, prompt] of prompts.entries()) await accept(catalog, `p${at}`, { prompt: prompt.trim() || "x" });
    fc.assert(
      fc.property(
        fc.constantFrom("red", "fox", "fo*", "狐", "狐狸", "红狐", "狐狸红", "猫3d", "red fox", "雪 -狐"),
        (text) => {
          const terms = parseTerms(text);
          const wanted = prompts.flatMap((prompt, at) =>
            terms.every((term) => countTerm(term, toWords(prompt)) > 0 !== term.not) ? [`p${at}`] : [],
          );
          expect(ids(catalog, { text }, { limit: 1000 }).toSorted()).toEqual(wanted.toSorted());
        },
      ),
    );
  });
});

describe("search by filters", () => {
  it.each<[string, SearchQuery, string[]]>([
    ["collection", { collection: "动物" }, ["fox-zh"]],
    ["one tag", { tags: ["狐狸"] }, ["fox-zh"]],
    ["all of several tags", { tags: ["狐狸", "猫"] }, []],
    ["aspect ratio", { aspect_ratio: "16:9" }, ["cat-zh"]],
    ["seed", { seed: 42 }, ["fox-en"]],
    ["n", { n: 2 }, ["fox-en"]],
    ["steps", { steps: 30 }, ["foxes-en"]],
    ["guidance scale", { guidance_scale: 4.5 }, ["foxes-en"]],
    ["model", { model: "another" }, []],
    ["the whole prompt", { prompt: "Foxes at night" }, ["foxes-en"]],
    ["the whole negative prompt", { negative_prompt: "snow, blurry" }, ["foxes-en"]],
    ["words and a field", { text: "雪", collection: "动物" }, ["fox-zh"]],
    ["words without a field that fits", { text: "雪", collection: "default", seed: 1 }, []],
    ["a state that none has", { state: "archived" }, []],
  ])("%s", async (_, query, wanted) => {
    expect(ids(await openZoo(), query)).toEqual(wanted);
  });

  it("time of acceptance, from and until before", async () => {
    let now = 1_000_000_000_000;
    const catalog = await openTestCatalog({ clock: { now: () => now } });
    for (const id of ["a", "b", "c"]) {
      await accept(catalog, id);
      now += 1000;
    }
    const from = 1_000_000_001_000;
    expect(ids(catalog, { from })).toEqual(["c", "b"]);
    expect(ids(catalog, { to: from })).toEqual(["a"]);
    expect(ids(catalog, { from, to: from + 1000, text: "fox" })).toEqual(["b"]);
  });

  it("the image: beginning of its digest, bytes, width and height; and the recipe", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "a", { prompt: "one" });
    await accept(catalog, "b", { prompt: "two" });
    await archiveWhole(catalog, "a", "a");
    await archiveWhole(catalog, "b", "b");
    expect(ids(catalog, { digest: "aaaa" })).toEqual(["a"]);
    expect(ids(catalog, { digest: "ab" })).toEqual([]);
    expect(ids(catalog, { minBytes: 10, maxWidth: 1 })).toEqual(["b", "a"]);
    expect(ids(catalog, { minBytes: 11 })).toEqual([]);
    expect(ids(catalog, { maxHeight: 1, text: "two" })).toEqual(["b"]);
    const recipe = (await catalog.find("a"))?.request.recipe_id?.slice(0, 10);
    expect(ids(catalog, { recipe })).toEqual(["a"]);
    expect(catalog.search({ digest: "aaaa" }).items[0]?.assets).toMatchObject([{ index: 0, digest: "a".repeat(64) }]);
  });
});

describe("pages of a search", () => {
  it.each<[string, SearchQuery, SearchOptions]>([
    ["by relevance", { text: "fox" }, {}],
    ["the newest first", { text: "fox" }, { sort: "newest" }],
    ["the oldest first", { text: "fox" }, { sort: "oldest" }],
    ["without words", {}, {}],
    ["by a filter", { collection: "default" }, {}],
    ["by a rare property", { state: "queued", maxBytes: 5 }, {}],
  ])("hold every hit once, in one order: %s", async (_, query, options) => {
    const catalog = await openTestCatalog();
    // more than one window of ranking
    const all = Array.from({ length: 620 }, (_, at) =>
      accept(catalog, `f${at}`, { prompt: at % 3 ? "fox" : "fox fox" }),
    );
    await Promise.all(all);
    await catalog.indexTexts();
    const paged = allIds(catalog, query, { ...options, limit: 37 });
    expect(new Set(paged).size).toBe(paged.length);
    expect(paged).toHaveLength(query.maxBytes === undefined ? 620 : 0);
    expect(paged).toEqual(allIds(catalog, query, { ...options, limit: 1000 }));
  });

  it("do not shift when something is accepted meanwhile", async () => {
    const catalog = await openTestCatalog();
    for (let at = 0; at < 10; at++) await accept(catalog, `f${at}`, { prompt: "fox" });
    for (const options of [{}, { sort: "newest" }] as const) {
      const first = catalog.search({ text: "fox" }, { ...options, limit: 4 });
      await accept(catalog, `late-${options.sort}`, { prompt: "fox fox fox" });
      const second = catalog.search({ text: "fox" }, { ...options, limit: 4, cursor: first.next ?? "" });
      const seen = [...first.items, ...second.items].map((hit) => hit.request.request_id);
      expect(new Set(seen).size).toBe(8);
      expect(second.items.map((hit) => hit.request.request_id)).not.toContain(`late-${options.sort}`);
    }
  });

  it("refuse a cursor that is damaged or of another search", async () => {
    const catalog = await openTestCatalog();
    for (let at = 0; at < 3; at++) await accept(catalog, `f${at}`);
    const cursor = catalog.search({ text: "fox" }, { limit: 1 }).next ?? "";
    expect(() => catalog.search({ text: "red" }, { cursor })).toThrow(/belongs to a search with other words/);
    expect(() => catalog.search({ text: "fox" }, { cursor: `x${cursor}` })).toThrow(/damaged/);
  });
});

describe("the index", () => {
  const queries: SearchQuery[] = [{ text: "fox" }, { text: "雪" }, { collection: "动物" }, { text: "fox*", seed: 42 }];
  it.each(queries)("changes the time and never the hits: %j", async (query) => {
    const catalog = await openZoo();
    for (const sort of ["relevance", "newest", "oldest"] as const) {
      const before = ids(catalog, query, { sort });
      await catalog.indexTexts();
      expect(before).toEqual(ids(catalog, query, { sort }));
      await accept(catalog, `more-${sort}`, { prompt: "more fox in 雪", collection: "动物", seed: 42 });
      expect(ids(catalog, query, { sort }).at(sort === "oldest" ? -1 : 0)).toBe(`more-${sort}`);
    }
  });

  it("is filled in the background when much is missing, and says so", async () => {
    const catalog = await openTestCatalog();
    await Promise.all(Array.from({ length: 401 }, (_, at) => accept(catalog, `f${at}`, { prompt: "fox" })));
    expect(catalog.search({ text: "fox" }).complete).toBe(false);
    await expect.poll(() => catalog.search({ text: "fox" }).complete, { timeout: 10_000 }).toBe(true);
    expect(ids(catalog, { text: "fox" }, { limit: 1000 })).toHaveLength(401);
  });
});
