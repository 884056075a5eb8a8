// From what a picture is to its bytes. Pure: the same picture gives the same PNG, in this process or another.
import { createCanvas, toPixels } from "./canvas.ts";
import { createNoise } from "./noise.ts";
import { pickPalette } from "./palettes.ts";
import type { Picture } from "./picture.ts";
import { encodePng } from "./png.ts";
import { createRandom } from "./random.ts";
import type { Style } from "./style.ts";
import { paintBloom } from "./styles/bloom.ts";
import { paintBubbles } from "./styles/bubbles.ts";
import { paintGlass } from "./styles/glass.ts";
import { paintHills } from "./styles/hills.ts";
import { paintNight } from "./styles/night.ts";
import { paintPapercut } from "./styles/papercut.ts";
import { paintSea } from "./styles/sea.ts";
import { paintSilk } from "./styles/silk.ts";
import { paintStrokes } from "./styles/strokes.ts";
import { paintTiles } from "./styles/tiles.ts";

const STYLES: Readonly<Record<Picture["style"], Style>> = {
  hills: paintHills,
  sea: paintSea,
  silk: paintSilk,
  papercut: paintPapercut,
  glass: paintGlass,
  strokes: paintStrokes,
  bubbles: paintBubbles,
  night: paintNight,
  tiles: paintTiles,
  bloom: paintBloom,
};

/** Paints a picture and encodes it as PNG. Blocks for tens of milliseconds at full size. */
export function paint(picture: Picture): Buffer {
  const random = createRandom(picture.digest);
  const palette = pickPalette(random);
  const canvas = createCanvas(picture.width, picture.height);
  STYLES[picture.style](canvas, { random, noise: createNoise(random), palette });
  if (picture.change === "slight") lighten(canvas.rgb);
  const { width, height, padToBytes } = picture;
  const level = picture.change === "encoder" ? 6 : 1;
  return encodePng({ width, height, rgb: toPixels(canvas) }, { padToBytes, level });
}

/** Seen beside the other one, and hardly without it. */
const LIGHTER = 1.05;

function lighten(rgb: Float32Array): void {
  for (let at = 0; at < rgb.length; at++) rgb[at] = (rgb[at] as number) * LIGHTER;
}
