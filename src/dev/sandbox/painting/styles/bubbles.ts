// Circles packed into one another's gaps: planets, rings and drops.
import { type Canvas, fillVertical } from "../canvas.ts";
import { mix, type Rgb, rampColor } from "../color.ts";
import { between, type Random } from "../random.ts";
import { disc, glow, ring } from "../shapes.ts";
import type { Brush, Style } from "../style.ts";

const TRIES = 900;

export const paintBubbles: Style = (canvas, brush) => {
  const { random, palette } = brush;
  const dark = random() < 0.5;
  fillVertical(canvas, palette.ramp, dark ? [0.03, 0.2] : [1, 0.88]);
  for (const circle of pack(canvas, random)) {
    const accent = random() < 0.12;
    const tone = dark ? between(random, [0.3, 0.95]) : between(random, [0.12, 0.75]);
    paintBubble(canvas, brush, { ...circle, color: accent ? palette.accent : rampColor(palette.ramp, tone) });
  }
};

interface Circle {
  x: number;
  y: number;
  radius: number;
}

function paintBubble(canvas: Canvas, { random, palette }: Brush, bubble: Circle & { color: Rgb }): void {
  const { x, y, radius, color } = bubble;
  const light = mix(color, rampColor(palette.ramp, 1), 0.4);
  const deep = mix(color, rampColor(palette.ramp, 0), 0.45);
  const kind = random();
  if (kind < 0.2) {
    for (let r = radius; r > radius * 0.15; r -= radius * 0.2)
      ring(canvas, { x, y, radius: r - radius * 0.05, width: radius * 0.07 }, { color: light, to: color });
    return;
  }
  const shadow = { x: x + radius * 0.1, y: y + radius * 0.14, radius };
  disc(canvas, shadow, { color: rampColor(palette.ramp, 0), alpha: 0.22, feather: radius * 0.35 });
  disc(canvas, { x, y, radius }, { color: light, to: deep });
  if (kind < 0.65)
    glow(
      canvas,
      { x: x - radius * 0.3, y: y - radius * 0.35, radius: radius * 0.6 },
      { color: rampColor(palette.ramp, 1), alpha: 0.55 },
    );
  else disc(canvas, { x, y, radius: radius * between(random, [0.35, 0.6]) }, { color: deep, to: light });
}

// large ones first; each grows until it touches a neighbour
function pack(canvas: Canvas, random: Random): Circle[] {
  const circles: Circle[] = [];
  const gap = canvas.unit * 0.008;
  const tries = Math.round(TRIES * canvas.detail);
  for (let attempt = 0; attempt < tries && circles.length < 190; attempt++) {
    const [x, y] = [random() * canvas.width, random() * canvas.height];
    const most = canvas.unit * 0.19 * (1 - attempt / tries) ** 2 + canvas.unit * 0.012;
    const room = circles.reduce(
      (least, other) => Math.min(least, Math.hypot(other.x - x, other.y - y) - other.radius),
      most + gap,
    );
    if (room - gap > canvas.unit * 0.006) circles.push({ x, y, radius: room - gap });
  }
  return circles;
}
