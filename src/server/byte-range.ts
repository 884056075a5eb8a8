// The Range and If-None-Match headers, after RFC 9110. Pure.
import type { ByteRange } from "../pipeline/ports.ts";

/**
 * The part of `size` bytes that a Range header asks for.
 *
 * | header | answer |
 * |---|---|
 * | none, another unit, several ranges, nonsense | `whole`: the header is ignored |
 * | `bytes=0-99`, `bytes=100-`, `bytes=-100` | that part, cut at the end |
 * | begins behind the end, or the last 0 bytes | `unsatisfiable` |
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "whole" | "unsatisfiable" {
  const [, first = "", last = ""] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return "whole";
  if (first === "") return suffix(Number(last), size);
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return "whole";
  return start >= size ? "unsatisfiable" : { start, end };
}

function suffix(length: number, size: number): ByteRange | "unsatisfiable" {
  return length === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - length), end: size - 1 };
}

/** Whether an If-None-Match header names this tag; weak ones count, since the bytes never change. */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const names = header.split(",").map((one) => one.trim().replace(/^W\//, ""));
  return names.includes(tag) || names.includes("*");
}
