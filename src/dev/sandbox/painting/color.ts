// Colours: sRGB triples from 0 to 255, and ramps mixed in OKLab so that the way between two colours is never muddy.
// OKLab's matrices are those of https://bottosson.github.io/posts/oklab/.

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** 1024 colours in a row, as r, g, b after one another. */
export type Ramp = Float32Array;

const RAMP_STEPS = 1024;

/** "#rrggbb" as a colour. */
export function hex(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** From one colour to another: 0 is the first, 1 the second. */
export function mix(from: Rgb, to: Rgb, share = 0.5): Rgb {
  const a = toLab(from);
  const b = toLab(to);
  return fromLab([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]);
}

/** The colours evenly spread, and the way between them. */
export function createRamp(colors: readonly Rgb[]): Ramp {
  const ramp = new Float32Array(RAMP_STEPS * 3);
  for (let step = 0; step < RAMP_STEPS; step++) {
    const place = (step / (RAMP_STEPS - 1)) * (colors.length - 1);
    const index = Math.min(Math.floor(place), colors.length - 2);
    ramp.set(mix(colors[index] as Rgb, colors[index + 1] as Rgb, place - index), step * 3);
  }
  return ramp;
}

/** Where the colour for `t` (0 to 1, clamped) begins in a ramp. */
export function rampOffset(t: number): number {
  const step = t <= 0 ? 0 : t >= 1 ? RAMP_STEPS - 1 : (t * RAMP_STEPS) | 0;
  return step * 3;
}

/** The colour for `t`. */
export function rampColor(ramp: Ramp, t: number): Rgb {
  const offset = rampOffset(t);
  return [ramp[offset] as number, ramp[offset + 1] as number, ramp[offset + 2] as number];
}

function toLab(color: Rgb): Rgb {
  const [r, g, b] = [toLinear(color[0]), toLinear(color[1]), toLinear(color[2])];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([lightness, a, b]: Rgb): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function toLinear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function toGamma(value: number): number {
  const share = value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
  return Math.min(255, Math.max(0, share * 255));
}
