// Large flowers, petal by petal from the outside in, on a soft ground with leaves.
import { type Canvas, fillVertical } from "../canvas.ts";
import { mix, type Rgb, rampColor } from "../color.ts";
import { between, integer } from "../random.ts";
import { disc, glow, petal } from "../shapes.ts";
import type { Brush, Style } from "../style.ts";

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

export const paintBloom: Style = (canvas, brush) => {
  const { random, palette } = brush;
  const dark = random() < 0.5;
  fillVertical(canvas, palette.ramp, dark ? [0.02, 0.17] : [0.98, 0.84]);
  const middle = { x: canvas.width / 2, y: canvas.height / 2 };
  glow(canvas, { ...middle, radius: canvas.unit }, { color: rampColor(palette.ramp, dark ? 0.35 : 1), alpha: 0.5 });
  const places = spots(canvas, brush);
  for (const place of places) paintLeaves(canvas, brush, { ...place, dark });
  for (const place of places) paintFlower(canvas, brush, place);
};

interface Spot {
  x: number;
  y: number;
  radius: number;
}

// small flowers around, large ones on top of them
function spots(canvas: Canvas, { random }: Brush): Spot[] {
  const places: Spot[] = [];
  const wanted = Math.round((5 * (canvas.width * canvas.height) ** 0.5) / canvas.unit);
  for (let attempt = 0; attempt < 200 && places.length < wanted; attempt++) {
    const radius = canvas.unit * (0.36 * 0.93 ** Math.min(attempt, 22)) * between(random, [0.75, 1]);
    const [x, y] = [between(random, [0.08, 0.92]) * canvas.width, between(random, [0.08, 0.92]) * canvas.height];
    const clear = places.every((other) => Math.hypot(other.x - x, other.y - y) > (other.radius + radius) * 0.82);
    if (clear) places.push({ x, y, radius });
  }
  return places.reverse();
}

function paintLeaves(canvas: Canvas, { random, palette }: Brush, spot: Spot & { dark: boolean }): void {
  const count = integer(random, [3, 6]);
  for (let leaf = 0; leaf < count; leaf++) {
    const color = rampColor(palette.ramp, (spot.dark ? 0.22 : 0.62) + between(random, [-0.06, 0.1]));
    const size = spot.radius * between(random, [1.15, 1.5]);
    const place = { x: spot.x, y: spot.y, angle: random() * 2 * Math.PI, length: size, width: size * 0.2 };
    petal(canvas, place, { color, to: mix(color, rampColor(palette.ramp, spot.dark ? 0.45 : 0.4), 0.6) });
  }
}

function paintFlower(canvas: Canvas, { random, palette }: Brush, spot: Spot): void {
  const tone = between(random, [0.3, 0.75]);
  const heart: Rgb = random() < 0.35 ? palette.accent : rampColor(palette.ramp, tone);
  const tip = mix(heart, rampColor(palette.ramp, 1), between(random, [0.35, 0.75]));
  const root = mix(heart, rampColor(palette.ramp, 0), 0.4);
  const slim = between(random, [0.16, 0.28]);
  const count = integer(random, [26, 38]);
  for (let index = 0; index < count; index++) {
    // sunflowers set their seeds by the golden angle: no two petals lie on one another
    const inward = index / count;
    const length = spot.radius * (1 - 0.78 * inward);
    const place = {
      x: spot.x,
      y: spot.y,
      angle: index * GOLDEN_ANGLE,
      length,
      width: spot.radius * slim * (1 - 0.5 * inward),
    };
    const age = mix(root, heart, 0.35 + 0.65 * inward);
    petal(canvas, place, { color: age, to: mix(heart, tip, 0.5 + (0.5 * ((index * 7) % 5)) / 5) });
  }
  disc(canvas, { ...spot, radius: spot.radius * 0.11 }, { color: mix(palette.accent, tip, 0.3), to: root });
}
