// Which picture a recipe gets: size by ratio, style by what the prompt speaks of, the rest by digest. Pure.
import { createHash } from "node:crypto";
import { canonicalJson } from "../../domain/request/canonical-json.ts";
import { type ModelChange, type Picture, STYLE_NAMES, type StyleName } from "./painting/picture.ts";
import type { SandboxRecipe } from "./validation.ts";

/** Width and height by ratio, as the model's own sizes are. */
export const SIZES: Readonly<Record<SandboxRecipe["aspect_ratio"], readonly [width: number, height: number]>> = {
  "21:9": [1792, 768],
  "16:9": [1664, 928],
  "4:3": [1472, 1104],
  "3:2": [1584, 1056],
  "1:1": [1328, 1328],
  "2:3": [1056, 1584],
  "3:4": [1104, 1472],
  "9:16": [928, 1664],
  "9:21": [768, 1792],
};

/** The smallest side that is still a picture. */
const MIN_SIDE = 16;

/** How an image of a recipe is made. */
export interface Making {
  index: number;
  scale: number;
  padToBytes: number;
  modelChange: ModelChange | "none";
}

/** The picture for image `index` of a recipe: the same recipe, index and model give the same picture. */
export function toPicture(recipe: SandboxRecipe, image: Making): Picture {
  const { modelChange } = image;
  const digest = createHash("sha256")
    .update(canonicalJson({ ...recipe, index: image.index, ...(modelChange === "other" && { modelChange }) }))
    .digest("hex");
  const [width, height] = SIZES[recipe.aspect_ratio].map((side) => Math.max(MIN_SIDE, Math.round(side * image.scale)));
  return {
    digest: digest.slice(0, 32),
    style: styleOf(recipe.prompt, digest),
    width: width as number,
    height: height as number,
    padToBytes: image.padToBytes,
    ...(modelChange !== "none" && { change: modelChange }),
  };
}

// what a prompt speaks of, in English and Chinese; the first that fits wins
const SUBJECTS: readonly (readonly [RegExp, StyleName])[] = [
  [/\b(star|stars|starry|night|galaxy|constellations?|cosmos|space|moon)\b|星|夜|宇宙/i, "night"],
  [/\b(sea|ocean|waves?|beach|harbou?r|sail\w*|lighthouse)\b|海|浪/i, "sea"],
  [/\b(mountains?|hills?|valley|landscape|forest|pines?|mist\w*|fog\w*|sunrise|sunset)\b|山|森林/i, "hills"],
  [/\b(flowers?|bloom\w*|garden|rose|lotus|peony|blossoms?|botanical)\b|花/i, "bloom"],
  [/\b(silk|cloth|fabric|marble|liquid|fluid|ink)\b|丝|绸|墨/i, "silk"],
  [/\b(paper|papercut|topograph\w*|map|canyon|terraces?)\b|剪纸|地图/i, "papercut"],
  [/\b(glass|window|cathedral|mosaic)\b|玻璃/i, "glass"],
  [/\b(bauhaus|geometric|tiles?|poster|logo|pattern)\b|几何|海报/i, "tiles"],
  [/\b(bubbles?|planets?|fruit|balloons?|marbles)\b|泡|气球/i, "bubbles"],
  [/\b(brush\w*|hair|fur|wind|sketch|pencil|grass|painting)\b|风|素描/i, "strokes"],
];

function styleOf(prompt: string, digest: string): StyleName {
  const told = SUBJECTS.find(([pattern]) => pattern.test(prompt));
  const drawn = STYLE_NAMES[Number.parseInt(digest.slice(32, 40), 16) % STYLE_NAMES.length] as StyleName;
  return told?.[1] ?? drawn;
}
