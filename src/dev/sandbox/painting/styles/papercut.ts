// Sheets of paper with holes cut into them, one above the other, each throwing its shadow on the next.
import { setFromRamp } from "../canvas.ts";
import { createField, octaves, stretchField } from "../noise.ts";
import { between, integer } from "../random.ts";
import type { Style } from "../style.ts";

export const paintPapercut: Style = (canvas, { random, noise, palette }) => {
  const sheets = integer(random, [6, 9]);
  const scale = between(random, [0.75, 1.25]);
  const inward = random() < 0.5;
  const rough = octaves(noise, 3);
  const [middleX, middleY] = [canvas.width / canvas.unit / 2, canvas.height / canvas.unit / 2];
  // a pull towards the middle gives the picture a centre
  const raw = createField(canvas, (x, y) => {
    const away = Math.hypot(x - middleX, y - middleY);
    const bend = 0.5 * noise(x * 1.3 + 40, y * 1.3);
    return rough(x * scale + bend, y * scale - bend) - 0.5 * away;
  });
  const land = stretchField(raw);
  const { width, height } = canvas;
  const drop = Math.round(canvas.unit * 0.011);
  for (let y = 0, pixel = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++, at += 3) {
      const level = toLevel((land[pixel] as number) * sheets, sheets);
      const caster = toLevel((land[Math.max(0, y - drop) * width + Math.max(0, x - drop)] as number) * sheets, sheets);
      const half = toLevel(
        (land[Math.max(0, y - 2 * drop) * width + Math.max(0, x - 2 * drop)] as number) * sheets,
        sheets,
      );
      // the lower a sheet, the farther it lies from its neighbour above, which is cut with a larger hole
      const shade = 0.16 * clamp(level - caster) + 0.1 * clamp(level - half);
      const tone = level / sheets;
      setFromRamp(canvas, at, palette.ramp, inward ? 0.04 + 0.93 * tone : 0.97 - 0.93 * tone, 1 - shade);
    }
  }
};

/** Softens the cut over a sixteenth of a level, about a pixel or two, where a bare floor would leave stairs. */
function toLevel(value: number, sheets: number): number {
  const bounded = Math.min(sheets, Math.max(0, value));
  const whole = Math.floor(bounded);
  return whole + Math.min(1, Math.max(0, (bounded - whole - 0.97) / 0.03));
}

function clamp(value: number): number {
  return value < 0 ? 0 : Math.min(value, 1);
}
