// The canvas: one float per channel and pixel, and the few ways of putting colour on it. No picture is known here.
import { type Ramp, type Rgb, rampOffset } from "./color.ts";

/**
 * `rgb` holds 0 to 255 for each channel; `unit` is the shorter side, in which styles measure; `detail`, up to 1, is the
 * share of small things worth painting: on a thumbnail nobody sees them, and load tests paint thousands.
 */
export interface Canvas {
  width: number;
  height: number;
  unit: number;
  detail: number;
  rgb: Float32Array;
}

/** A black canvas. */
export function createCanvas(width: number, height: number): Canvas {
  const unit = Math.min(width, height);
  const detail = Math.min(1, Math.max(0.12, unit / 500));
  return { width, height, unit, detail, rgb: new Float32Array(width * height * 3) };
}

/** Lays a colour over the pixel that begins at `at`. */
export function blend(canvas: Canvas, at: number, color: Rgb, alpha: number): void {
  const { rgb } = canvas;
  rgb[at] = (rgb[at] as number) + (color[0] - (rgb[at] as number)) * alpha;
  rgb[at + 1] = (rgb[at + 1] as number) + (color[1] - (rgb[at + 1] as number)) * alpha;
  rgb[at + 2] = (rgb[at + 2] as number) + (color[2] - (rgb[at + 2] as number)) * alpha;
}

/** Sets the pixel that begins at `at` to the ramp's colour for `t`, made brighter or darker by `light`. */
export function setFromRamp(canvas: Canvas, at: number, ramp: Ramp, t: number, light = 1): void {
  const offset = rampOffset(t);
  canvas.rgb[at] = (ramp[offset] as number) * light;
  canvas.rgb[at + 1] = (ramp[offset + 1] as number) * light;
  canvas.rgb[at + 2] = (ramp[offset + 2] as number) * light;
}

/** Fills the canvas from top (`from` on the ramp) to bottom (`to`). */
export function fillVertical(canvas: Canvas, ramp: Ramp, range: readonly [from: number, to: number]): void {
  for (let y = 0, at = 0; y < canvas.height; y++) {
    const t = range[0] + ((range[1] - range[0]) * y) / canvas.height;
    for (let x = 0; x < canvas.width; x++, at += 3) setFromRamp(canvas, at, ramp, t);
  }
}

/**
 * 8-bit pixels: darkened a little towards the corners, and dithered, because slow gradients show steps in 8 bits.
 * The pattern is interleaved gradient noise, which looks like paper and, unlike real noise, compresses.
 */
export function toPixels(canvas: Canvas): Uint8Array {
  const { width, height, rgb } = canvas;
  const pixels = new Uint8Array(rgb.length);
  const across = Float32Array.from({ length: width }, (_, x) => ((2 * x) / width - 1) ** 2);
  for (let y = 0, at = 0; y < height; y++) {
    const down = ((2 * y) / height - 1) ** 2;
    for (let x = 0; x < width; x++) {
      const fall = down + (across[x] as number);
      const light = 1 - 0.035 * fall * fall;
      const wave = 0.06711056 * (x & 63) + 0.00583715 * (y & 63);
      const grain = 52.9829189 * (wave - Math.floor(wave));
      const dither = grain - Math.floor(grain);
      for (let channel = 0; channel < 3; channel++, at++) {
        const value = (rgb[at] as number) * light + dither;
        pixels[at] = Math.min(value, 255);
      }
    }
  }
  return pixels;
}
