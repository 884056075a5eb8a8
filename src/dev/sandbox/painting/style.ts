// What a style is: a way of filling a canvas. Types only.
import type { Canvas } from "./canvas.ts";
import type { Noise } from "./noise.ts";
import type { Palette } from "./palettes.ts";
import type { Random } from "./random.ts";

/** What a style paints with. All of it follows from the picture's digest. */
export interface Brush {
  random: Random;
  noise: Noise;
  palette: Palette;
}

/** Fills the whole canvas. Same brush, same picture. */
export type Style = (canvas: Canvas, brush: Brush) => void;
