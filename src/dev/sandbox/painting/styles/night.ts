// A night sky: a band of mist, stars, and constellations that nobody has named yet, above dark hills.
import { type Canvas, setFromRamp } from "../canvas.ts";
import { mix, rampColor } from "../color.ts";
import { createField, octaves } from "../noise.ts";
import { between, integer, type Random } from "../random.ts";
import { disc, glow, line } from "../shapes.ts";
import type { Brush, Style } from "../style.ts";
import { paintLayer, paintStars } from "./skyline.ts";

export const paintNight: Style = (canvas, brush) => {
  const { random, palette } = brush;
  paintMist(canvas, brush);
  const white = mix([255, 255, 255], rampColor(palette.ramp, 1), 0.5);
  paintStars(canvas, random, { color: white, count: 700, lowest: 1 });
  const count = integer(random, [2, 4]);
  for (let index = 0; index < count; index++) {
    const left = ((index + between(random, [0.1, 0.4])) / count) * canvas.width;
    const top = between(random, [0.08, 0.38]) * canvas.height;
    paintConstellation(canvas, brush, { x: left, y: top, reach: Math.min(canvas.unit * 0.34, canvas.width / count) });
  }
  for (const near of [0, 0.5, 1]) {
    const rough = octaves(brush.noise, 5);
    const edge = Float32Array.from(
      { length: canvas.width },
      (_, x) =>
        canvas.height * (0.83 + 0.09 * near) - canvas.unit * 0.17 * rough((x / canvas.unit) * 1.6, near * 50 + 3),
    );
    const color = rampColor(palette.ramp, 0.13 * (1 - near));
    paintLayer(canvas, { edge, color, below: mix(color, [0, 0, 0], 0.5), depth: canvas.height * 0.2 });
  }
};

function paintMist(canvas: Canvas, { random, noise, palette }: Brush): void {
  const rough = octaves(noise, 4);
  const lean = between(random, [-0.9, 0.9]);
  const middle = between(random, [0.25, 0.5]) * (canvas.height / canvas.unit);
  const mist = createField(canvas, (x, y) => {
    const away = y - middle - lean * (x - canvas.width / canvas.unit / 2) + 0.5 * rough(x * 1.1, y * 1.1);
    const band = Math.exp(-7 * away * away);
    return 0.07 + (0.16 * (y * canvas.unit)) / canvas.height + band * (0.3 + 0.55 * rough(x * 2.4 + 9, y * 2.4));
  });
  for (let pixel = 0, at = 0; pixel < mist.length; pixel++, at += 3)
    setFromRamp(canvas, at, palette.ramp, mist[pixel] as number);
}

function paintConstellation(canvas: Canvas, brush: Brush, area: { x: number; y: number; reach: number }): void {
  const { random, palette } = brush;
  const stars = chain(random, area);
  const ink = rampColor(palette.ramp, 0.95);
  stars.forEach((star, index) => {
    const next = stars[index + 1];
    const width = Math.max(0.7, canvas.unit * 0.0014);
    if (next !== undefined)
      line(canvas, { x0: star.x, y0: star.y, x1: next.x, y1: next.y, width }, { color: ink, alpha: 0.4 });
  });
  for (const star of stars) {
    const radius = canvas.unit * between(random, [0.0028, 0.0052]);
    const color = random() < 0.25 ? palette.accent : ink;
    glow(canvas, { ...star, radius: radius * 9 }, { color, alpha: 0.6 });
    disc(canvas, { ...star, radius }, { color: mix(color, [255, 255, 255], 0.6) });
  }
}

function chain(random: Random, area: { x: number; y: number; reach: number }): { x: number; y: number }[] {
  const count = integer(random, [5, 8]);
  return Array.from({ length: count }, (_, index) => ({
    x: area.x + (area.reach * (index + 0.6 * random())) / count,
    y: area.y + area.reach * 0.75 * random(),
  }));
}
