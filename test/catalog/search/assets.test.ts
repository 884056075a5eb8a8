import { describe, expect, it } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { SearchOptions, SearchQuery } from "../../../src/catalog/search/search.ts";
import { accept, answer, archiveWhole, asset, openTestCatalog, reserve } from "../support.ts";

/** The letters of the digests on all pages, and how long each page was. */
function leaf(
  catalog: OpenCatalog,
  query: SearchQuery,
  options: SearchOptions & { limit: number; between?: () => void },
) {
  const letters: string[] = [];
  let cursor: string | undefined;
  do {
    const page = catalog.searchAssets(query, { ...options, cursor });
    expect(page.items.length).toBeLessThanOrEqual(options.limit);
    letters.push(...page.items.map(({ digest }) => digest.slice(0, 1)));
    cursor = page.next ?? undefined;
    options.between?.();
  } while (cursor !== undefined);
  return letters.join("");
}

/** Requests a to e with an image each, and one of four images; all foxes but c. */
async function openShelf(): Promise<OpenCatalog> {
  const catalog = await openTestCatalog();
  for (const letter of ["a", "b", "c", "d", "e"]) {
    await accept(catalog, letter, {
      prompt: letter === "c" ? "一只猫" : "一只狐狸",
      collection: letter < "c" ? "one" : "two",
    });
    await archiveWhole(catalog, letter, letter);
  }
  await accept(catalog, "four", { prompt: "四只狐狸", n: 4, collection: "two" });
  await catalog.answerCall(await reserve(catalog, "four", { n: 4, seed: 1 }), answer([0, 1, 2, 3]));
  for (const [index, letter] of ["1", "2", "3", "4"].entries())
    await catalog.recordAsset({ request_id: "four", index }, { ...asset(letter), bytes: 1_000 });
  await catalog.finish("four", { state: "archived" });
  return catalog;
}

describe("a list of images", () => {
  it.each([
    [{}, "4321edcba"],
    [{ minBytes: 1_000 }, "4321"],
    [{ maxBytes: 999 }, "edcba"],
    [{ digest: "cc" }, "c"],
    [{ text: "狐狸" }, "1234edba"],
    [{ text: "狐狸 -四只" }, "edba"],
    [{ collection: "one" }, "ba"],
    [{ text: "狐狸", digest: "3" }, "3"],
    [{ n: 4, maxBytes: 10 }, ""],
    [{ deleted: true }, ""],
  ] as [SearchQuery, string][])("%j is %s, on pages of any size", async (query, wanted) => {
    const catalog = await openShelf();
    const sort = "newest";
    for (const limit of [1, 2, 3, 5, 50]) expect(leaf(catalog, query, { sort, limit })).toBe(wanted);
  });

  it("comes oldest first when asked to", async () => {
    const catalog = await openShelf();
    expect(leaf(catalog, {}, { sort: "oldest", limit: 2 })).toBe("abcde1234");
    expect(leaf(catalog, { collection: "two" }, { sort: "oldest", limit: 2 })).toBe("cde1234");
  });

  it("has each image once, though others share it, and does not shift when another comes to share it", async () => {
    const catalog = await openTestCatalog();
    for (const letter of ["a", "b", "c"]) {
      await accept(catalog, letter, { prompt: `fox ${letter}`, seed: 1 });
      await archiveWhole(catalog, letter, letter);
    }
    let late = 0;
    const share = async (letter: string) => {
      const id = `late-${late++}`;
      await accept(catalog, id, { prompt: `fox ${letter}`, seed: 1 });
      expect((await catalog.reuse(id))?.request.reused_from).toBe(letter);
    };
    await share("a");
    const letters: string[] = [];
    let cursor: string | undefined;
    do {
      const page = catalog.searchAssets({ text: "fox" }, { sort: "newest", limit: 1, cursor });
      letters.push(...page.items.map(({ digest }) => digest.slice(0, 1)));
      cursor = page.next ?? undefined;
      await share("b");
    } while (cursor !== undefined);
    expect(letters.join("")).toBe("cba");
  });

  it("leaves out what is deleted, unless asked for it, and what is erased", async () => {
    const catalog = await openShelf();
    await catalog.edits.delete("b", 9e12);
    expect(leaf(catalog, {}, { limit: 3 })).toBe("4321edca");
    expect(leaf(catalog, { collection: "one" }, { limit: 3 })).toBe("a");
    expect(leaf(catalog, { deleted: true }, { limit: 3 })).toBe("b");
    await catalog.edits.delete("a", 0);
    await catalog.edits.beginErasure("a");
    // whoever reads everything back must not miss them
    expect(catalog.browse.assets({ limit: 50 }).items.map(({ digest }) => digest[0])).not.toContain("a");
    expect(leaf(catalog, { deleted: true }, { limit: 3 })).toBe("b");
  });

  it("refuses the cursor of another list", async () => {
    const catalog = await openShelf();
    const { next } = catalog.searchAssets({}, { limit: 1 });
    const use =
      (query: SearchQuery, cursor = next ?? "") =>
      () =>
        catalog.searchAssets(query, { limit: 1, cursor });
    expect(use({ collection: "two" })).toThrow("cursor of the page before");
    expect(use({}, "nonsense")).toThrow("damaged");
    expect(use({}, catalog.search({}, { limit: 1 }).next ?? "")).toThrow("cursor of the page before");
  });
});
