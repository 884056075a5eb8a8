// The first page of typical searches in a large catalog, in process: each once to warm up, then again and again in turns.
// Reports the time of all of them at the 99th percentile, and each query's own median, in ms.
import { openCatalog } from "../../src/catalog/catalog.ts";
import { report } from "../cost.ts";
import { FIRST_MS } from "../prompts.ts";
import { median } from "../table.ts";

const { FILE = "", TIMES = "20" } = process.env;
const catalog = openCatalog({ file: FILE });
const month = (number: number) => FIRST_MS + number * 30 * 86_400_000;

const QUERIES: Record<string, Parameters<typeof catalog.search>> = {
  newest: [{}],
  oldest: [{}, { sort: "oldest" }],
  "a common word": [{ text: "watercolour" }],
  "a rare word": [{ text: "astrolabe" }],
  "two words": [{ text: "castle rain" }],
  "a word and one it must not have": [{ text: "dragon -rain" }],
  "a phrase": [{ text: '"pencil sketch of a violin"' }],
  "a beginning": [{ text: "light*" }],
  "Chinese words": [{ text: "水墨画" }],
  "a Chinese character": [{ text: "龙" }],
  "words, the oldest first": [{ text: "teapot" }, { sort: "oldest" }],
  "words in an old range of dates": [{ text: "greenhouse dusk", from: month(2), to: month(3) }],
  "an old range of dates": [{ from: month(2), to: month(3) }],
  "a collection": [{ collection: "collection-3" }],
  "a rare collection": [{ collection: "rarities" }],
  "a tag and a word": [{ tags: ["tag-77"], text: "bicycle" }],
  "a batch and a state": [{ batch: "night-42", state: "archived" }],
  "fields of the recipe": [{ aspect_ratio: "16:9", steps: 25, seed: 123_455 }],
  "the beginning of a digest": [{ digest: "ab12c" }],
  "size of the file and of the picture": [{ minBytes: 2_000_000, minWidth: 1_024, aspect_ratio: "3:4" }],
};

const times = Object.entries(QUERIES).map(([name, query]) => ({ name, query, ms: [] as number[] }));
for (const { query } of times) catalog.search(...query);
for (let round = 0; round < Number(TIMES); round++) {
  for (const { query, ms } of times) {
    const begun = performance.now();
    catalog.search(...query);
    ms.push(performance.now() - begun);
  }
}
const all = times.flatMap(({ ms }) => ms).sort((a, b) => a - b);
const own = Object.fromEntries(times.map(({ name, ms }) => [name, median(ms)]));
const slowest = Math.max(...Object.values(own));
report({ value: all[Math.floor(all.length * 0.99)] ?? 0, p50Ms: median(all), slowestMs: slowest, ...own });
catalog.close();
process.disconnect();
