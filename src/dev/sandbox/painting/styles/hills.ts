// Mountains behind mountains, with mist between them and a wood in front.
import { type Canvas, fillVertical } from "../canvas.ts";
import { mix, rampColor } from "../color.ts";
import { octaves } from "../noise.ts";
import { between, integer } from "../random.ts";
import type { Brush, Style } from "../style.ts";
import { paintLayer, paintStars, paintSun } from "./skyline.ts";

export const paintHills: Style = (canvas, brush) => {
  const { random, palette } = brush;
  const night = random() < 0.3;
  const sky: readonly [number, number] = night ? [0.05, 0.62] : [between(random, [0.5, 0.7]), 0.97];
  fillVertical(canvas, palette.ramp, sky);
  const light = night ? rampColor(palette.ramp, 1) : mix(palette.accent, rampColor(palette.ramp, 1), 0.45);
  if (night) paintStars(canvas, random, { color: light, count: 260, lowest: 0.6 });
  paintSun(canvas, brush, { color: light, height: [0.16, 0.42] });
  const count = integer(random, [5, 7]);
  for (let index = 0; index < count; index++) {
    const near = index / (count - 1);
    const tone = (night ? 0.5 : 0.74) * (1 - near) ** 1.15;
    const color = rampColor(palette.ramp, tone);
    const mist = mix(color, rampColor(palette.ramp, sky[1]), 0.62 * (1 - near));
    const edge = ridge(canvas, brush, { near, wood: index >= count - 2 && canvas.unit > 200 });
    paintLayer(canvas, { edge, color, below: mist, depth: canvas.height * 0.28 });
  }
};

// far ridges are high and jagged, near ones low and round
function ridge(canvas: Canvas, brush: Brush, shape: { near: number; wood: boolean }): Float32Array {
  const { near } = shape;
  const land = octaves(brush.noise, 6);
  const shift = brush.random() * 200;
  const base = canvas.height * (0.5 + 0.4 * near);
  const relief = canvas.unit * (0.4 - 0.24 * near);
  const stretch = 1.3 + 1.1 * (1 - near);
  const edge = Float32Array.from(
    { length: canvas.width },
    (_, x) => base - relief * land((x / canvas.unit) * stretch + shift, near * 31.7),
  );
  if (shape.wood) growWood(canvas, brush, edge);
  return edge;
}

// a wood is an edge with spruces on it: slim triangles with ragged sides
function growWood(canvas: Canvas, brush: Brush, edge: Float32Array): void {
  const ground = edge.slice();
  const spacing = canvas.unit * 0.011;
  for (let x = 0; x < canvas.width; x += spacing * between(brush.random, [0.4, 1.7])) {
    const density = brush.noise((x / canvas.unit) * 2.5, 77.7);
    if (density < -0.15) continue;
    const height = canvas.unit * between(brush.random, [0.02, 0.055]) * (0.7 + density);
    const half = height * 0.24;
    for (let column = Math.ceil(Math.max(0, x - half)); column < Math.min(canvas.width, x + half); column++) {
      const inward = 1 - Math.abs(column - x) / half;
      const ragged = inward + 0.12 * ((inward * 5) % 1);
      edge[column] = Math.min(
        edge[column] as number,
        (ground[Math.floor(x)] as number) - height * ragged + height * 0.1,
      );
    }
  }
}
