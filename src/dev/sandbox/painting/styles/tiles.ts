// Tiles of quarter circles, half discs and rings in a few colours, as the poster painters of the twenties laid them.
import { blend, type Canvas } from "../canvas.ts";
import { mix, type Rgb, rampColor } from "../color.ts";
import { integer, pick, type Random } from "../random.ts";
import type { Style } from "../style.ts";

export const paintTiles: Style = (canvas, { random, palette }) => {
  const across = integer(random, [4, 7]);
  const size = canvas.unit / across;
  const inks = [
    rampColor(palette.ramp, 0.04),
    rampColor(palette.ramp, 0.28),
    rampColor(palette.ramp, 0.5),
    rampColor(palette.ramp, 0.72),
    rampColor(palette.ramp, 0.97),
    rampColor(palette.ramp, 0.97),
    palette.accent,
  ];
  for (let top = 0; top < canvas.height; top += size)
    for (let left = 0; left < canvas.width; left += size)
      paintTile(canvas, { left, top, size, motif: pick(random, MOTIFS), ...twoInks(random, inks) });
};

/** Signed distance to the motif's edge in a tile from 0 to 1; negative inside. */
type Motif = (u: number, v: number) => number;

const quarter: Motif = (u, v) => Math.sqrt(u * u + v * v) - 1;
const leaf: Motif = (u, v) => Math.max(quarter(u, v), quarter(1 - u, 1 - v));
const dot: Motif = (u, v) => Math.sqrt((u - 0.5) ** 2 + (v - 0.5) ** 2) - 0.34;
const arcs: Motif = (u, v) => Math.abs((((Math.sqrt(u * u + v * v) * 3) % 1) - 0.5) / 3) - 1 / 12;
const half: Motif = (u, v) => Math.max(Math.sqrt((u - 0.5) ** 2 + v * v) - 0.5, -v);
const pair: Motif = (u, v) => Math.min(half(u, v), half(u, v >= 0.5 ? v - 0.5 : v + 1));
const slope: Motif = (u, v) => (u + v - 1) / Math.SQRT2;
const target: Motif = (u, v) => Math.abs(Math.sqrt((u - 0.5) ** 2 + (v - 0.5) ** 2) - 0.3) - 0.1;
const MOTIFS: readonly Motif[] = [quarter, quarter, leaf, leaf, dot, arcs, half, pair, slope, target];

interface Tile {
  left: number;
  top: number;
  size: number;
  motif: Motif;
  ground: Rgb;
  ink: Rgb;
  turn: number;
}

function paintTile(canvas: Canvas, tile: Tile): void {
  const { left, top, size, motif, ground, ink, turn } = tile;
  const [x0, x1] = [Math.round(left), Math.min(canvas.width, Math.round(left + size))];
  const [y0, y1] = [Math.round(top), Math.min(canvas.height, Math.round(top + size))];
  const deep = mix(ink, ground, 0.22);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = (y * canvas.width + x) * 3;
      const [u, v] = turned((x + 0.5 - left) / size, (y + 0.5 - top) / size, turn);
      const coverage = Math.min(1, Math.max(0, 0.5 - motif(u, v) * size));
      blend(canvas, at, ground, 1);
      if (coverage === 0) continue;
      blend(canvas, at, ink, coverage);
      // a breath of shade across each motif keeps the flat colours from looking like a chart
      blend(canvas, at, deep, coverage * 0.5 * (u + v));
    }
  }
}

function turned(u: number, v: number, quarters: number): readonly [number, number] {
  if (quarters === 0) return [u, v];
  if (quarters === 1) return [1 - v, u];
  return quarters === 2 ? [1 - u, 1 - v] : [v, 1 - u];
}

function twoInks(random: Random, inks: readonly Rgb[]): { ground: Rgb; ink: Rgb; turn: number } {
  const ground = pick(random, inks);
  const ink = pick(
    random,
    inks.filter((candidate) => candidate.join() !== ground.join()),
  );
  return { ground, ink, turn: integer(random, [0, 3]) };
}
