// Thousands of brush strokes that follow one wind.
import { type Canvas, fillVertical } from "../canvas.ts";
import { mix, rampColor } from "../color.ts";
import { octaves } from "../noise.ts";
import { between } from "../random.ts";
import { line } from "../shapes.ts";
import type { Brush, Style } from "../style.ts";

const STROKES = 750;
const STEPS = 14;

export const paintStrokes: Style = (canvas, brush) => {
  const { random, palette } = brush;
  const dark = random() < 0.6;
  fillVertical(canvas, palette.ramp, dark ? [0.02, 0.16] : [0.99, 0.9]);
  const wind = octaves(brush.noise, 2);
  const scale = between(random, [0.6, 1.4]);
  const turn = between(random, [2, 4.5]);
  const lean = random() * Math.PI * 2;
  const angleAt = (x: number, y: number) => lean + turn * wind(x * scale, y * scale);
  const count = Math.round(STROKES * canvas.detail);
  for (let stroke = 0; stroke < count; stroke++) {
    const accent = random() < 0.05;
    const tone = (dark ? 0.25 : 0.05) + 0.7 * random();
    const place = {
      x: between(random, [-0.05, 1.05]) * canvas.width,
      y: between(random, [-0.05, 1.05]) * canvas.height,
    };
    const width = canvas.unit * between(random, [0.0015, 0.008]) * (1.4 - stroke / count);
    const color = accent ? palette.accent : rampColor(palette.ramp, tone);
    trace(canvas, { ...place, width, angleAt, color: mix(color, rampColor(palette.ramp, tone), 0.2) });
  }
};

function trace(
  canvas: Canvas,
  stroke: { x: number; y: number; width: number; angleAt: Brush["noise"]; color: readonly [number, number, number] },
): void {
  const { angleAt, color } = stroke;
  let { x, y } = stroke;
  const stride = canvas.unit * 0.013;
  for (let step = 0; step < STEPS; step++) {
    const angle = angleAt(x / canvas.unit, y / canvas.unit);
    const [x1, y1] = [x + Math.cos(angle) * stride, y + Math.sin(angle) * stride];
    // thin at both ends, as a brush that is set down and lifted
    const width = stroke.width * (0.35 + 1.3 * Math.sin((Math.PI * (step + 0.5)) / STEPS));
    line(canvas, { x0: x, y0: y, x1, y1, width }, { color, alpha: 0.9 });
    [x, y] = [x1, y1];
  }
}
