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

/** All that decides the bytes. `digest` is 32 hex digits; `padToBytes` 0 leaves the file as small as it is. */
export interface Picture {
  digest: string;
  style: StyleName;
  width: number;
  height: number;
  padToBytes: number;
}

/** The id of a picture in URLs: `<digest>-<style>-<width>x<height>[-<bytes>]`. */
export function toPictureId(picture: Picture): string {
  const { digest, style, width, height, padToBytes } = picture;
  return `${digest}-${style}-${width}x${height}${padToBytes > 0 ? `-${padToBytes}` : ""}`;
}

const ID = /^([0-9a-f]{32})-([a-z]+)-(\d{1,5})x(\d{1,5})(?:-(\d{1,9}))?$/;

/** The picture of an id, or undefined where it is none. */
export function parsePictureId(id: string): Picture | undefined {
  const [, digest = "", name, width, height, bytes = "0"] = ID.exec(id) ?? [];
  const style = STYLE_NAMES.find((candidate) => candidate === name);
  if (style === undefined) return undefined;
  return { digest, style, width: Number(width), height: Number(height), padToBytes: Number(bytes) };
}
