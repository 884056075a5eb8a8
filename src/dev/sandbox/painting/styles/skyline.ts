// What several landscapes share: skies with a sun or stars, and layers of land before one another.
import { blend, type Canvas } from "../canvas.ts";
import type { Rgb } from "../color.ts";
import { between, type Random } from "../random.ts";
import { disc, glow } from "../shapes.ts";
import type { Brush } from "../style.ts";

/** A sun or moon with its light around it. Returns where it stands. */
export function paintSun(canvas: Canvas, brush: Brush, ink: { color: Rgb; height: readonly [number, number] }) {
  const { random } = brush;
  const x = between(random, [0.2, 0.8]) * canvas.width;
  const y = between(random, ink.height) * canvas.height;
  const radius = between(random, [0.06, 0.13]) * canvas.unit;
  glow(canvas, { x, y, radius: radius * 6 }, { color: ink.color, alpha: 0.45 });
  glow(canvas, { x, y, radius: radius * 2.2 }, { color: ink.color, alpha: 0.5 });
  disc(canvas, { x, y, radius }, { color: ink.color });
  return { x, y, radius };
}

/** Stars, a few of them with a glow. */
export function paintStars(canvas: Canvas, random: Random, ink: { color: Rgb; count: number; lowest: number }): void {
  const count = Math.round(ink.count * canvas.detail);
  for (let star = 0; star < count; star++) {
    const place = { x: random() * canvas.width, y: random() ** 1.3 * ink.lowest * canvas.height };
    const size = random() ** 6;
    const radius = canvas.unit * (0.0006 + 0.0018 * size);
    if (size > 0.5) glow(canvas, { ...place, radius: radius * 9 }, { color: ink.color, alpha: 0.4 });
    disc(canvas, { ...place, radius }, { color: ink.color, alpha: between(random, [0.25, 0.95]) });
  }
}

/** One layer of land: the height of its edge for every column, and its colours from the edge down. */
export interface Layer {
  /** y of the edge, in pixels from the top. */
  edge: Float32Array;
  color: Rgb;
  /** The colour far below the edge: mist, or deeper water. */
  below: Rgb;
  /** How far down it takes to get there, in pixels. */
  depth: number;
  /** Paints a band of this many pixels only, as for a crest of foam. */
  thickness?: number;
}

/** Paints one layer over what is there. */
export function paintLayer(canvas: Canvas, layer: Layer): void {
  const { edge, color, below, depth, thickness = canvas.height * 2 } = layer;
  const top = Math.max(0, Math.floor(edge.reduce((least, y) => Math.min(least, y), canvas.height)) - 1);
  const lowest = edge.reduce((most, y) => Math.max(most, y), 0) + thickness;
  const bottom = Math.min(canvas.height, Math.ceil(lowest) + 1);
  const ink: [number, number, number] = [0, 0, 0];
  for (let y = top, at = top * canvas.width * 3; y < bottom; y++) {
    for (let x = 0; x < canvas.width; x++, at += 3) {
      const under = y - (edge[x] as number);
      if (under <= -0.5 || under >= thickness + 0.5) continue;
      const share = Math.min(1, Math.max(0, under / depth));
      ink[0] = color[0] + (below[0] - color[0]) * share;
      ink[1] = color[1] + (below[1] - color[1]) * share;
      ink[2] = color[2] + (below[2] - color[2]) * share;
      blend(canvas, at, ink, Math.min(1, under + 0.5, thickness + 0.5 - under));
    }
  }
}
