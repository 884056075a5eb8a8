// Round and straight things with soft edges: discs, rings, petals, lines, glows. Measured in pixels.
import { blend, type Canvas } from "./canvas.ts";
import type { Rgb } from "./color.ts";

/** How a shape is coloured. `to` is the colour at its far side (below, or at the tip); `feather` the softness of its edge. */
export interface Ink {
  color: Rgb;
  to?: Rgb;
  alpha?: number;
  feather?: number;
}

/** A filled circle. */
export function disc(canvas: Canvas, place: { x: number; y: number; radius: number }, ink: Ink): void {
  const { x, y, radius } = place;
  fillShape(canvas, { x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius }, ink, {
    distance: (px, py) => Math.sqrt((px - x) ** 2 + (py - y) ** 2) - radius,
    along: (_, py) => (py - y) / (2 * radius) + 0.5,
  });
}

/** A circle's line of the given width. */
export function ring(canvas: Canvas, place: { x: number; y: number; radius: number; width: number }, ink: Ink): void {
  const { x, y, radius, width } = place;
  const reach = radius + width;
  fillShape(canvas, { x0: x - reach, x1: x + reach, y0: y - reach, y1: y + reach }, ink, {
    distance: (px, py) => Math.abs(Math.sqrt((px - x) ** 2 + (py - y) ** 2) - radius) - width / 2,
    along: (_, py) => (py - y) / (2 * radius) + 0.5,
  });
}

/** A straight line with round ends. */
export function line(
  canvas: Canvas,
  place: { x0: number; y0: number; x1: number; y1: number; width: number },
  ink: Ink,
): void {
  const { x0, y0, x1, y1, width } = place;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = Math.max(dx * dx + dy * dy, 1e-6);
  const along = (px: number, py: number) => Math.min(1, Math.max(0, ((px - x0) * dx + (py - y0) * dy) / squared));
  const distance = (px: number, py: number) => {
    const share = along(px, py);
    return Math.sqrt((px - x0 - dx * share) ** 2 + (py - y0 - dy * share) ** 2) - width / 2;
  };
  const box = {
    x0: Math.min(x0, x1) - width / 2,
    x1: Math.max(x0, x1) + width / 2,
    y0: Math.min(y0, y1) - width / 2,
    y1: Math.max(y0, y1) + width / 2,
  };
  fillShape(canvas, box, ink, { distance, along });
}

/** A pointed petal that grows from (x, y) in direction `angle`; the ink runs from its root to its tip. */
export function petal(
  canvas: Canvas,
  place: { x: number; y: number; angle: number; length: number; width: number },
  ink: Ink,
): void {
  const { x, y, angle, length, width } = place;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = (px: number, py: number) => ((px - x) * cos + (py - y) * sin) / length;
  const distance = (px: number, py: number) => {
    const t = along(px, py);
    if (t <= 0 || t >= 1) return length * Math.max(-t, t - 1) + 1;
    const half = width * (PETAL_OUTLINE[(t * PETAL_STEPS) | 0] as number);
    return Math.abs((py - y) * cos - (px - x) * sin) - half;
  };
  const [tipX, tipY, reach] = [x + cos * length, y + sin * length, width * 0.75];
  const box = {
    x0: Math.min(x, tipX) - reach,
    x1: Math.max(x, tipX) + reach,
    y0: Math.min(y, tipY) - reach,
    y1: Math.max(y, tipY) + reach,
  };
  fillShape(canvas, box, ink, { distance, along });
}

// widest past the middle, narrow at the root, pointed at the tip; a table, for the powers cost more than all the rest
const PETAL_STEPS = 1024;
const PETAL_OUTLINE = Float32Array.from({ length: PETAL_STEPS + 1 }, (_, step) => {
  const t = step / PETAL_STEPS;
  return 1.3 * t ** 0.7 * Math.sqrt(1 - t);
});

/** Light that fades away from a point. */
export function glow(canvas: Canvas, place: { x: number; y: number; radius: number }, ink: Ink): void {
  const { x, y, radius } = place;
  eachPixel(canvas, { x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius }, (px, py, at) => {
    const fall = 1 - ((px - x) ** 2 + (py - y) ** 2) / (radius * radius);
    if (fall > 0) blend(canvas, at, ink.color, fall * fall * fall * (ink.alpha ?? 1));
  });
}

interface Box {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

interface Outline {
  /** Pixels to the edge; negative inside. */
  distance: (x: number, y: number) => number;
  /** How far along the ink's way, 0 to 1. */
  along: (x: number, y: number) => number;
}

function fillShape(canvas: Canvas, box: Box, ink: Ink, outline: Outline): void {
  const { color, to, alpha = 1, feather = 1.2 } = ink;
  const here: [number, number, number] = [...color];
  eachPixel(canvas, box, (x, y, at) => {
    const coverage = 0.5 - outline.distance(x, y) / feather;
    if (coverage <= 0) return;
    if (to !== undefined) {
      const share = Math.min(1, Math.max(0, outline.along(x, y)));
      here[0] = color[0] + (to[0] - color[0]) * share;
      here[1] = color[1] + (to[1] - color[1]) * share;
      here[2] = color[2] + (to[2] - color[2]) * share;
    }
    blend(canvas, at, here, coverage < 1 ? coverage * alpha : alpha);
  });
}

function eachPixel(canvas: Canvas, box: Box, visit: (x: number, y: number, at: number) => void): void {
  const [left, right] = [Math.max(0, Math.floor(box.x0 - 1)), Math.min(canvas.width - 1, Math.ceil(box.x1 + 1))];
  const [top, bottom] = [Math.max(0, Math.floor(box.y0 - 1)), Math.min(canvas.height - 1, Math.ceil(box.y1 + 1))];
  for (let y = top; y <= bottom; y++) {
    let at = (y * canvas.width + left) * 3;
    for (let x = left; x <= right; x++, at += 3) visit(x, y, at);
  }
}
