// The prompts of the producers' cases: the same requests as a manifest on disk and as values in memory.
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const ANIMALS = ["red fox", "snow hare", "grey owl", "river otter", "雪地里的狐狸", "brown bear", "tree frog"];
const PLACES = ["in fresh snow", "under northern lights", "by a mountain lake", "in a pine forest at dawn"];
const RATIOS = ["1:1", "16:9", "3:4"];

/** Request number `index`: of the length and with the fields that a nightly manifest has. */
export function requestOf(index: number): Record<string, unknown> {
  const animal = ANIMALS[index % ANIMALS.length];
  const place = PLACES[index % PLACES.length];
  return {
    request_id: `night-${index}`,
    prompt: `A ${animal} ${place}, soft light, 85mm, shallow depth of field, picture ${index}`,
    negative_prompt: "blurry, low quality",
    aspect_ratio: RATIOS[index % RATIOS.length],
    seed: index,
    collection: "animals",
    tags: ["night", `series-${index % 50}`],
  };
}

/** Writes a manifest of so many lines into the folder; resolves to its path. */
export async function writeManifest(folder: string, lines: number): Promise<string> {
  const path = join(folder, `${lines}.jsonl`);
  await pipeline(Readable.from(linesOf(lines)), createWriteStream(path));
  return path;
}

function* linesOf(count: number): Generator<string> {
  const perPiece = 1_000;
  for (let from = 0; from < count; from += perPiece) {
    const size = Math.min(perPiece, count - from);
    yield Array.from({ length: size }, (_, index) => `${JSON.stringify(requestOf(from + index))}\n`).join("");
  }
}
