// The palettes the pictures are painted with: a ramp from dark to light, and one accent that stands out from it.
import { createRamp, hex, type Ramp, type Rgb } from "./color.ts";
import { pick, type Random } from "./random.ts";

/** `colors` go from dark to light; `ramp` is the way through them. */
export interface Palette {
  name: string;
  colors: readonly Rgb[];
  ramp: Ramp;
  accent: Rgb;
}

// name: dark … light | accent
const SOURCES = [
  "dusk: #1b1035 #3d1e6d #8a2e7f #d9566b #f9a26c #fde6b8 | #ffd166",
  "lagoon: #06262f #0b4f5c #14868c #4cc0ad #a8e6cf #f4f9e9 | #ff8c61",
  "forest: #10201a #1f3f2e #3f6b45 #7fa05a #c8c877 #f3ecc8 | #e07a3f",
  "ember: #1f0a12 #55141f #9c2424 #d9502f #f49a3f #fbe3b0 | #3fb8af",
  "glacier: #0b1733 #1b3a6b #2f6fa8 #6fb1d6 #b8ddea #f5fbff | #ff6b6b",
  "candy: #2b1644 #6a2c83 #c04b9c #f288a4 #fbc4ab #fff3e2 | #35c2c1",
  "sakura: #33202d #6b3550 #b3567a #e895a5 #f6cdd0 #fdf4ee | #6aa08a",
  "desert: #2a1a2f #5f2f3c #a3532f #d98d4a #ecc58a #f8ecd2 | #2a8c9a",
  "aurora: #050b1f #0d2a4a #0f6b6b #2fbf86 #a5ec8f #f2ffd9 | #c77dff",
  "indigo: #0c0a2a #251a66 #4a3ab0 #7b78e0 #b7c0f7 #f3f3ff | #ffb347",
  "shore: #0f2e3d #1f5d73 #5c9aa5 #e9b79a #f4d9bf #fff7ec | #ef5b5b",
  "meadow: #14301f #2b5f2c #6d9a34 #d0c443 #f3df7c #fffae0 | #f0603f",
  "ink: #14141c #33343f #63656f #9a9ba0 #cfcdc6 #f4f1ea | #d1382c",
];

const cache = new Map<string, Palette>();

/** One of the palettes; each is made once. */
export function pickPalette(random: Random): Palette {
  const source = pick(random, SOURCES);
  const known = cache.get(source);
  if (known !== undefined) return known;
  const palette = toPalette(source);
  cache.set(source, palette);
  return palette;
}

function toPalette(source: string): Palette {
  const [name = "", colorsAndAccent = ""] = source.split(": ");
  const [list = "", accent = ""] = colorsAndAccent.split(" | ");
  const colors = list.split(" ").map(hex);
  return { name, colors, ramp: createRamp(colors), accent: hex(accent) };
}
