// What a picture is before it is painted: a digest that decides everything, a style, a size. Small enough to stand in
// a URL, so that an image can be painted again whenever its URL is asked for, and nothing has to be remembered.

/** The ways of painting. */
export const STYLE_NAMES = [
  "hills",
  "sea",
  "silk",
  "papercut",
  "glass",
  "strokes",
  "bubbles",
  "night",
  "tiles",
  "bloom",
] as const;
export type StyleName = (typeof STYLE_NAMES)[number];

/**
 * What a provider's model may have become, so that the same recipe brings something else: the same pixels in other bytes
 * (`encoder`), the same picture a little lighter (`slight`), another picture (`other`).
 */
export const MODEL_CHANGES = ["encoder", "slight", "other"] as const;
export type ModelChange = (typeof MODEL_CHANGES)[number];

/** All that decides the bytes. `digest` is 32 hex digits; `padToBytes` 0 leaves the file as small as it is. */
export interface Picture {
  digest: string;
  style: StyleName;
  width: number;
  height: number;
  padToBytes: number;
  /** Left out: painted by the model as it was. */
  change?: ModelChange;
}

/** The id of a picture in URLs: `<digest>-<style>-<width>x<height>[-<bytes>][-<change>]`. */
export function toPictureId(picture: Picture): string {
  const { digest, style, width, height, padToBytes, change } = picture;
  const bytes = padToBytes > 0 ? `-${padToBytes}` : "";
  return `${digest}-${style}-${width}x${height}${bytes}${change === undefined ? "" : `-${change}`}`;
}

const ID = /^([0-9a-f]{32})-([a-z]+)-(\d{1,5})x(\d{1,5})(?:-(\d{1,9}))?(?:-([a-z]+))?$/;

/** The picture of an id, or undefined where it is none. */
export function parsePictureId(id: string): Picture | undefined {
  const [, digest = "", name, width, height, bytes = "0", changed] = ID.exec(id) ?? [];
  const style = STYLE_NAMES.find((candidate) => candidate === name);
  const change = MODEL_CHANGES.find((candidate) => candidate === changed);
  if (style === undefined || change !== changed) return undefined;
  const picture = { digest, style, width: Number(width), height: Number(height), padToBytes: Number(bytes) };
  return change === undefined ? picture : { ...picture, change };
}
