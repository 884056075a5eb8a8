// Smooth randomness: gradient noise, sums of it, and fields computed coarsely and read at every pixel.
import type { Canvas } from "./canvas.ts";
import type { Random } from "./random.ts";

/** A smooth function of the plane, about -1 to 1, with features of size 1. */
export type Noise = (x: number, y: number) => number;

const TABLE_SIZE = 256;

/** Gradient noise over a shuffled table, so that each seed has its own landscape. */
export function createNoise(random: Random): Noise {
  const order = shuffledTable(random);
  const slopesX = new Float32Array(TABLE_SIZE);
  const slopesY = new Float32Array(TABLE_SIZE);
  for (let index = 0; index < TABLE_SIZE; index++) {
    slopesX[index] = Math.cos((index / TABLE_SIZE) * 2 * Math.PI);
    slopesY[index] = Math.sin((index / TABLE_SIZE) * 2 * Math.PI);
  }
  const corner = (column: number, row: number, dx: number, dy: number) => {
    const slope = order[((order[column & 255] as number) + row) & 255] as number;
    return (slopesX[slope] as number) * dx + (slopesY[slope] as number) * dy;
  };
  return (x, y) => {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const dx = x - column;
    const dy = y - row;
    const u = fade(dx);
    const top = corner(column, row, dx, dy) * (1 - u) + corner(column + 1, row, dx - 1, dy) * u;
    const bottom = corner(column, row + 1, dx, dy - 1) * (1 - u) + corner(column + 1, row + 1, dx - 1, dy - 1) * u;
    return 1.5 * (top + (bottom - top) * fade(dy));
  };
}

/** Noise upon noise, each octave twice as fine and half as strong. */
export function octaves(noise: Noise, count: number): Noise {
  return (x, y) => {
    let sum = 0;
    let strength = 0.5;
    let scale = 1;
    for (let octave = 0; octave < count; octave++) {
      sum += strength * noise(x * scale + octave * 17.3, y * scale - octave * 9.1);
      strength /= 2;
      scale *= 2;
    }
    return sum;
  };
}

/** Samples along the shorter side: dearer fields would cost time, coarser ones show their corners. */
const FIELD_SAMPLES = 200;

/**
 * A value for every pixel, computed on a coarse grid and interpolated: per-pixel noise would take ten times as long.
 * `at` gets coordinates in units of the shorter side.
 */
export function createField(canvas: Canvas, at: Noise): Float32Array {
  const step = Math.max(2, Math.floor(canvas.unit / FIELD_SAMPLES));
  const columns = Math.ceil(canvas.width / step) + 2;
  const rows = Math.ceil(canvas.height / step) + 2;
  const grid = new Float32Array(columns * rows);
  for (let row = 0, cell = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, cell++)
      grid[cell] = at((column * step) / canvas.unit, (row * step) / canvas.unit);
  return interpolate(canvas, { grid, columns, step });
}

/** Stretches a field so that it runs from 0 to 1. */
export function stretchField(field: Float32Array): Float32Array {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of field) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const scale = 1 / Math.max(most - least, 1e-9);
  return field.map((value) => (value - least) * scale);
}

function interpolate(canvas: Canvas, coarse: { grid: Float32Array; columns: number; step: number }): Float32Array {
  const { grid, columns, step } = coarse;
  const field = new Float32Array(canvas.width * canvas.height);
  const line = new Float32Array(columns);
  for (let y = 0, pixel = 0; y < canvas.height; y++) {
    const row = Math.floor(y / step);
    const down = y / step - row;
    for (let column = 0; column < columns; column++) {
      const above = grid[row * columns + column] as number;
      line[column] = above + ((grid[(row + 1) * columns + column] as number) - above) * down;
    }
    for (let column = 0, x = 0; x < canvas.width; column++) {
      const left = line[column] as number;
      const slope = ((line[column + 1] as number) - left) / step;
      const end = Math.min(step, canvas.width - x);
      for (let offset = 0; offset < end; offset++) field[pixel++] = left + slope * offset;
      x += end;
    }
  }
  return field;
}

function fade(t: number): number {
  return t * t * t * (t * (t * 6 - 15) + 10);
}

function shuffledTable(random: Random): Uint8Array {
  const table = Uint8Array.from({ length: TABLE_SIZE }, (_, index) => index);
  for (let index = TABLE_SIZE - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const kept = table[index] as number;
    table[index] = table[other] as number;
    table[other] = kept;
  }
  return table;
}
