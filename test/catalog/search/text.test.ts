import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countTerm, parseTerms, toMatch } from "../../../src/catalog/search/terms.ts";
import { toCharacters, toFacetWords, toWords } from "../../../src/catalog/search/text.ts";

describe("the words of a text", () => {
  it.each([
    ["A red FOX, in the snow", ["a", "red", "fox", "in", "the", "snow"]],
    ["红色狐狸", ["红色", "色狐", "狐狸"]],
    ["狐", ["狐"]],
    ["一只红狐，水彩", ["一只", "只红", "红狐", "水彩"]],
    ["qwen红狐3d", ["qwen", "红狐", "3d"]],
    ["雪の中を走るキツネ", ["雪の", "の中", "中を", "を走", "走る", "るキ", "キツ", "ツネ"]],
    ["붉은 여우", ["붉은", "여우"]],
    ["สุนัข", ["สุ", "ุน", "นั", "ัข"]],
    ["Zürich Ｆｏｘ ﬁne", ["zurich", "fox", "fine"]],
    ["がか", ["がか"]],
    ["🦊 x", ["🦊", "x"]],
    ['"; drop table', ["drop", "table"]],
    ["", []],
  ])("are found in %j", (text, words) => {
    expect(toWords(text)).toEqual(words);
  });

  it("hold nothing that the index's query language could take for its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const word of toWords(text)) expect(word).not.toMatch(/["\s*():^{}-]/);
      }),
    );
  });

  it("count each unspaced character once", () => {
    expect(toCharacters("红狐, 狐狸 and a fox")).toEqual(["红", "狐", "狸"]);
  });
});

describe("the words of fields", () => {
  it("are letters and digits, whatever the values are", () => {
    const facets = {
      collection: "狐 狸",
      tags: ['a"b', "*"],
      batch: "b",
      model: "Qwen/Qwen-Image",
      aspect_ratio: "16:9",
    };
    for (const word of toFacetWords({ ...facets, n: 2, seed: 42, steps: 20, guidance_scale: 2.5 }))
      expect(word).toMatch(/^[a-z0-9]+$/);
  });

  it("differ by kind, so that a tag is not taken for a collection", () => {
    expect(toFacetWords({ collection: "x" })).not.toEqual(toFacetWords({ tags: ["x"] }));
  });
});

describe("what is typed", () => {
  it.each([
    ["fox", '{prompt negative_prompt} : "fox"'],
    ["fo*", '{prompt negative_prompt} : "fo" *'],
    ["狐", 'characters : "狐"'],
    ["狐狸", '{prompt negative_prompt} : "狐狸"'],
    ["红色狐狸", '{prompt negative_prompt} : "红色 色狐 狐狸"'],
    ['"red fox" -cat', '({prompt negative_prompt} : "red fox") NOT ({prompt negative_prompt} : "cat")'],
    ["red fox", '{prompt negative_prompt} : "red" AND {prompt negative_prompt} : "fox"'],
    ['"unclosed', '{prompt negative_prompt} : "unclosed"'],
  ])("%s becomes %s", (text, match) => {
    expect(toMatch(parseTerms(text), { facets: [], whole: {} })).toBe(match);
  });

  it.each(["-cat", "...", "*", '""'])("%s is refused, since there is nothing to look for", (text) => {
    expect(() => parseTerms(text)).toThrow(/wanted at least one word/);
  });

  it("is counted in a text as often as it stands there", () => {
    const text = toWords("a red fox, a red cat; 红狐和红狐狸");
    expect(parseTerms('red "a red" re* 狐 红狐 wolf').map((term) => countTerm(term, text))).toEqual([2, 2, 2, 2, 2, 0]);
  });
});
