// Folds of coloured cloth: noise warped by noise, lit from the side.
import { setFromRamp } from "../canvas.ts";
import { createField, octaves, stretchField } from "../noise.ts";
import { between } from "../random.ts";
import type { Style } from "../style.ts";

export const paintSilk: Style = (canvas, { random, noise, palette }) => {
  const scale = between(random, [0.8, 1.5]);
  const warp = between(random, [1.2, 2.2]);
  const lines = random() < 0.6 ? between(random, [9, 18]) : 0;
  const rough = octaves(noise, 2);
  const raw = createField(canvas, (x, y) => {
    const [u, v] = [x * scale, y * scale];
    const [qx, qy] = [rough(u, v), rough(u + 5.2, v + 1.3)];
    const [rx, ry] = [rough(u + warp * qx + 1.7, v + warp * qy + 9.2), rough(u + warp * qx + 8.3, v + warp * qy + 2.8)];
    return rough(u + warp * rx, v + warp * ry) + 0.35 * qx;
  });
  const folds = stretchField(raw);
  const { width } = canvas;
  const slope = canvas.unit * 0.075;
  const last = folds.length - 1;
  for (let pixel = 0, at = 0; pixel <= last; pixel++, at += 3) {
    const fold = folds[pixel] as number;
    const aside = (folds[Math.min(last, pixel + 1)] as number) - fold;
    const below = (folds[Math.min(last, pixel + width)] as number) - fold;
    const right = (pixel + 1) % width === 0 ? 0 : aside;
    const shine = 1 + Math.max(-0.38, Math.min(0.38, (right + below) * slope));
    const band = lines === 0 ? 0 : 0.03 * Math.sin(fold * lines * 2 * Math.PI);
    setFromRamp(canvas, at, palette.ramp, 0.04 + fold * 0.95 + band, shine);
  }
};
