// Reads back what embed.ts wrote: of which archived image a copy says that it was made. Pure.
import { readText, XMP_KEYWORD } from "./png-chunks.ts";
import { readRecipe } from "./xmp.ts";

/** What a copy needs to be known by lies right behind its header: so many bytes hold the longest recipe. */
export const ORIGIN_WITHIN_BYTES = 1024 * 1024;

/** The digest that the beginning of a copy names; undefined for anything that is none. Whether it is so nobody has checked. */
export function originOf(beginning: Buffer): string | undefined {
  const xmp = readText(beginning, XMP_KEYWORD);
  const { digest } = (xmp !== undefined && readRecipe(xmp)) || {};
  return typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}
