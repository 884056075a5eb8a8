import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { readManifest } from "../../../src/batches/manifest/manifest.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** `count` lines of CSV or JSON Lines, made as they are asked for. */
async function* linesOf(format: string, count: number): AsyncGenerator<Uint8Array> {
  let text = format === "csv" ? "prompt,aspect_ratio,tags,collection\n" : "";
  for (let index = 0; index < count; index++) {
    const prompt = `a red fox number ${index} in the snow, oil painting, soft light`;
    text +=
      format === "csv"
        ? `"${prompt}",16:9,fox|snow,animals\n`
        : `${JSON.stringify({ prompt, aspect_ratio: "16:9", tags: ["fox", "snow"], collection: "animals" })}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = "";
  }
  yield Buffer.from(text);
}

test.each(["jsonl", "csv"])(
  "100,000 lines of %s take hardly more memory than 10,000",
  async (format) => {
    const heaps: number[] = [];
    let items = 0;
    for await (const entry of readManifest({ name: `night.${format}`, bytes: linesOf(format, 100_000) })) {
      if (!("submission" in entry)) throw new Error(JSON.stringify(entry));
      items++;
      if (items === 10_000 || items === 99_000) heaps.push(heapUsed());
    }
    expect(items).toBe(100_000);
    const [early = 0, late = 0] = heaps;
    // an item that was kept would take some 2 KiB: 180 MB
    expect(late - early).toBeLessThan(5_000_000);
  },
  120_000,
);
