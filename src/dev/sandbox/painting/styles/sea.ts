// Rows of waves under a large sun, as on a woodblock print.
import { type Canvas, fillVertical } from "../canvas.ts";
import { mix, rampColor } from "../color.ts";
import { between, integer } from "../random.ts";
import { disc, glow } from "../shapes.ts";
import type { Brush, Style } from "../style.ts";
import { paintLayer } from "./skyline.ts";

export const paintSea: Style = (canvas, brush) => {
  const { random, palette } = brush;
  fillVertical(canvas, palette.ramp, [between(random, [0.7, 0.8]), 1]);
  const sun = {
    x: between(random, [0.25, 0.75]) * canvas.width,
    y: between(random, [0.3, 0.42]) * canvas.height,
    radius: between(random, [0.17, 0.25]) * canvas.unit,
  };
  glow(canvas, { ...sun, radius: sun.radius * 2.4 }, { color: palette.accent, alpha: 0.4 });
  disc(canvas, sun, { color: palette.accent, to: mix(palette.accent, rampColor(palette.ramp, 0.95), 0.55) });
  const count = integer(random, [9, 13]);
  for (let row = 0; row < count; row++) paintWave(canvas, brush, row / (count - 1));
};

function paintWave(canvas: Canvas, brush: Brush, near: number): void {
  const { random, palette, noise } = brush;
  const length = canvas.unit * (0.16 + 0.34 * near);
  const swell = canvas.unit * (0.012 + 0.045 * near);
  const base = canvas.height * (0.46 + 0.5 * near ** 1.15);
  const shift = random() * length;
  const edge = Float32Array.from({ length: canvas.width }, (_, x) => {
    const wobble = noise((x / canvas.unit) * 1.7, near * 40 + 5);
    const phase = (((x + shift + wobble * length * 0.35) / length) % 1) + 1;
    // crests are pointed, troughs are round
    const crest = 1 - Math.abs(Math.sin(Math.PI * phase));
    return base - swell * (crest ** 1.4 * 2 + wobble);
  });
  const color = rampColor(palette.ramp, 0.68 - 0.5 * near);
  const foam = mix(color, rampColor(palette.ramp, 1), 0.75 - 0.2 * near);
  const below = rampColor(palette.ramp, 0.5 - 0.48 * near);
  const band = canvas.unit * (0.003 + 0.004 * near);
  paintLayer(canvas, { edge, color, below, depth: canvas.unit * 0.16, thickness: canvas.unit * 0.5 });
  paintLayer(canvas, { edge, color: foam, below: foam, depth: 1, thickness: band });
  if (near < 0.35) return;
  const line = edge.map((y) => y + band * 3.2);
  const faint = mix(color, foam, 0.4);
  paintLayer(canvas, { edge: line, color: faint, below: faint, depth: 1, thickness: band * 0.6 });
}
