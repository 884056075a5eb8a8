// A stained-glass window: each pane the area nearest to a point, lead between the panes.
import { blend, type Canvas } from "../canvas.ts";
import { type Rgb, rampColor } from "../color.ts";
import { between, type Random } from "../random.ts";
import type { Style } from "../style.ts";

export const paintGlass: Style = (canvas, { random, noise, palette }) => {
  const size = canvas.unit / between(random, [7, 12]);
  const panes = scatter(canvas, random, size);
  const lead = Math.max(0.6, canvas.unit * 0.0028);
  const [lightX, lightY] = [between(random, [0.3, 0.7]) * canvas.width, between(random, [0.2, 0.5]) * canvas.height];
  for (let index = 0; index < panes.x.length; index++) {
    const [x, y] = [panes.x[index] as number, panes.y[index] as number];
    const away = Math.hypot(x - lightX, y - lightY) / Math.hypot(canvas.width, canvas.height);
    const drift = noise((x / canvas.unit) * 1.4, (y / canvas.unit) * 1.4);
    const tone = 0.95 - 0.95 * away + 0.28 * drift + between(random, [-0.22, 0.22]);
    panes.color[index] = random() < 0.07 ? palette.accent : rampColor(palette.ramp, tone);
  }
  for (let y = 0, at = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++, at += 3) {
      const { pane, edge } = nearestPane(panes, x / size, y / size);
      const inside = Math.min(1, Math.max(0, (edge * size - lead) / 1.3));
      const glint = 0.88 + 0.16 * Math.min(1, edge * 2.2);
      blend(canvas, at, panes.color[pane] as Rgb, inside * glint + (1 - inside) * 0.1);
    }
  }
};

interface Panes {
  columns: number;
  /** Centres in pixels. */
  x: Float32Array;
  y: Float32Array;
  color: Rgb[];
  size: number;
}

// one centre in each cell of a grid, with a border of two cells around the canvas
function scatter(canvas: Canvas, random: Random, size: number): Panes {
  const columns = Math.ceil(canvas.width / size) + 4;
  const rows = Math.ceil(canvas.height / size) + 4;
  const x = Float32Array.from({ length: columns * rows }, (_, cell) => ((cell % columns) - 2 + random()) * size);
  const y = Float32Array.from(
    { length: columns * rows },
    (_, cell) => (Math.floor(cell / columns) - 2 + random()) * size,
  );
  return { columns, x, y, color: [], size };
}

const found = { pane: 0, edge: 0 };

// half the difference of the two nearest distances is how far the edge is; one object is reused, this runs per pixel
function nearestPane(panes: Panes, u: number, v: number): typeof found {
  let [first, second, pane] = [1e9, 1e9, 0];
  const [column, row] = [Math.floor(u) + 2, Math.floor(v) + 2];
  for (let near = row - 1; near <= row + 1; near++) {
    for (let cell = near * panes.columns + column - 1; cell <= near * panes.columns + column + 1; cell++) {
      const dx = (panes.x[cell] as number) / panes.size - u;
      const dy = (panes.y[cell] as number) / panes.size - v;
      const away = dx * dx + dy * dy;
      if (away < first) {
        second = first;
        first = away;
        pane = cell;
      } else if (away < second) second = away;
    }
  }
  found.pane = pane;
  found.edge = (Math.sqrt(second) - Math.sqrt(first)) / 2;
  return found;
}
