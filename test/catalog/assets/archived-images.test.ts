import { describe, expect, test } from "vitest";
import type { OpenCatalog } from "../../../src/catalog/catalog.ts";
import type { SearchQuery } from "../../../src/catalog/search/search.ts";
import type { SubmissionInput } from "../../../src/domain/request/submission-input.ts";
import { accept, answer, archiveWhole, asset, openTestCatalog, reserve } from "../support.ts";

function names(catalog: OpenCatalog, query?: SearchQuery): string[] {
  return [...catalog.listArchivedImages(query)].map(({ request, index }) => `${request.request_id} ${index}`);
}

async function openZoo(): Promise<OpenCatalog> {
  // what is accepted in the same millisecond is in the order of its ids
  let time = 1_000;
  const catalog = await openTestCatalog({ clock: { now: () => time++ } });
  const zoo: [string, Partial<SubmissionInput>][] = [
    ["fox-zh", { prompt: "一只红色狐狸在雪地里奔跑", collection: "动物", tags: ["狐狸", "冬天"] }],
    ["fox-en", { prompt: "a red fox running in the snow", seed: 42 }],
    ["cat", { prompt: "a cat at night", steps: 30, tags: ["猫"] }],
    ["never", { prompt: "a fox that never came" }],
  ];
  for (const [id, fields] of zoo) await accept(catalog, id, fields);
  for (const [id, letter] of [
    ["fox-zh", "a"],
    ["fox-en", "b"],
    ["cat", "c"],
  ] as const)
    await archiveWhole(catalog, id, letter);
  await catalog.indexTexts();
  return catalog;
}

describe("the archived images of a search", () => {
  test.each<[SearchQuery, string[]]>([
    [{}, ["fox-zh 0", "fox-en 0", "cat 0"]],
    [{ text: "  " }, ["fox-zh 0", "fox-en 0", "cat 0"]],
    [{ text: "狐狸" }, ["fox-zh 0"]],
    [{ text: "fox" }, ["fox-en 0"]],
    [{ text: "fox*", seed: 43 }, []],
    [{ tags: ["冬天"] }, ["fox-zh 0"]],
    [{ collection: "default" }, ["fox-en 0", "cat 0"]],
    [{ steps: 30 }, ["cat 0"]],
    [{ state: "archived", seed: 42 }, ["fox-en 0"]],
    [{ digest: "bb" }, ["fox-en 0"]],
    [{ minBytes: 11 }, []],
    [{ requests: ["cat", "fox-zh", "never"] }, ["fox-zh 0", "cat 0"]],
    [{ requests: [] }, []],
    [{ to: 5 }, []],
    [{ from: 5, model: "Qwen/Qwen-Image" }, ["fox-zh 0", "fox-en 0", "cat 0"]],
  ])("of %j are %j, the oldest first", async (query, wanted) => {
    expect(names(await openZoo(), query)).toEqual(wanted);
  });

  test("are without those whose deletion was asked for, whatever the search says", async () => {
    const catalog = await openZoo();
    await catalog.edits.delete("fox-en", 1_000);
    expect(names(catalog)).toEqual(["fox-zh 0", "cat 0"]);
    expect(names(catalog, { deleted: true })).toEqual(["fox-zh 0", "cat 0"]);
    expect(names(catalog, { text: "fox" })).toEqual([]);
  });

  test("are of a request only those that fit themselves", async () => {
    const catalog = await openTestCatalog();
    await accept(catalog, "two", { n: 2 });
    await catalog.answerCall(await reserve(catalog, "two", { n: 2, seed: 7 }), answer([0, 1]));
    await catalog.recordAsset({ request_id: "two", index: 0 }, { ...asset("a"), bytes: 5 });
    await catalog.recordAsset({ request_id: "two", index: 1 }, asset("b"));
    expect(names(catalog, { minBytes: 6 })).toEqual(["two 1"]);
    expect(names(catalog, { digest: "aaaa" })).toEqual(["two 0"]);
  });

  test("come whole over many pages, with words too", async () => {
    const catalog = await openTestCatalog();
    const ids = Array.from({ length: 602 }, (_, number) => `r-${String(number).padStart(5, "0")}`);
    await Promise.all(ids.map((id, number) => accept(catalog, id, { prompt: number % 2 === 0 ? "a fox" : "a cat" })));
    await Promise.all(
      ids.map(async (id) => {
        await catalog.answerCall(await reserve(catalog, id), answer([0]));
        await catalog.recordAsset({ request_id: id, index: 0 }, asset("a"));
      }),
    );
    await catalog.indexTexts();
    expect(names(catalog)).toEqual(ids.map((id) => `${id} 0`));
    expect(names(catalog, { text: "fox" })).toEqual(ids.filter((_, number) => number % 2 === 0).map((id) => `${id} 0`));
    expect(names(catalog, { text: "fox", n: 1 })).toHaveLength(301);
    expect(names(catalog, { collection: "default" })).toHaveLength(602);
  });
});
