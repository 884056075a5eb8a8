// Whether a number can be stored exactly as written. JavaScript has 64-bit floats only: it would silently round larger
// integers and longer fractions. Pure.

/**
 * Whether `source`, a number in decimal digits, is exact: integers up to ±(2^53 - 1), fractions to the last digit.
 *
 * | source | exact |
 * |---|---|
 * | 42, 1.10, 2.5e3 | yes |
 * | 0.10000000000000001 (0.1 with 17 digits, as some languages print it) | yes |
 * | 1234567890123456789, 1e300, 1e999 | no: larger than 2^53 - 1 |
 * | 0.123456789012345678901 | no: more digits than a float holds |
 */
export function isExactNumber(source: string): boolean {
  const value = Number(source);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false;
  if (source.length <= 15 && !/e/i.test(source)) return true;
  const written = toDecimal(source);
  if (written === undefined) return true;
  const precision = Math.min(Math.max(written.digits.length, 1), 100);
  const kept = toDecimal(value.toPrecision(precision));
  return kept?.digits === written.digits && kept.exponent === written.exponent;
}

/** The significant digits of a number and the power of ten of the last one; no digits for zero. */
function toDecimal(source: string): { digits: string; exponent: number } | undefined {
  const [, whole = "", fraction = "", exponent = "0"] = /^[+-]?(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(source) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  if (whole + fraction === "") return undefined;
  let end = all.length;
  while (all[end - 1] === "0") end--;
  if (end === 0) return { digits: "", exponent: 0 };
  return { digits: all.slice(0, end), exponent: Number(exponent) - fraction.length + (all.length - end) };
}
