// Copies of images that carry their recipe inside. PNG only: it has room for texts that leave every other byte alone.
import type { ArchivedImage } from "../../domain/records.ts";
import { canHoldTexts, withTexts, XMP_KEYWORD } from "./png-chunks.ts";
import { PARAMETERS_KEYWORD, toParameters } from "./recipe-text.ts";
import { toXmp } from "./xmp.ts";

/**
 * The copy; undefined for what cannot carry a recipe: JPEG, WebP, and PNGs with signed content credentials, which a change
 * would break.
 */
export function embedRecipe(bytes: Buffer, image: ArchivedImage): Buffer | undefined {
  const { recipe } = image.request;
  if (recipe === null || image.asset.content_type !== "image/png" || !canHoldTexts(bytes)) return undefined;
  return withTexts(bytes, [
    { keyword: PARAMETERS_KEYWORD, text: toParameters(recipe, image) },
    { keyword: XMP_KEYWORD, text: toXmp(recipe, image) },
  ]);
}
