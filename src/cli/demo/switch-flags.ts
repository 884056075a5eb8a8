// The sandbox's switches as flags: durations and sizes as people write them, all faults at once. Pure.

import {
  parseSwitches,
  SWITCHES,
  type SwitchDescription,
  type Switches,
  type SwitchKind,
} from "../../dev/sandbox/switches.ts";
import { type Fault, RejectedError } from "../../domain/errors.ts";
import { parseDuration, parseSize } from "../../domain/units.ts";

/** The switches among a command's options. Throws a RejectedError `invalid_request` that names every flag that does not fit. */
export function toSwitches(options: Record<string, unknown>): Partial<Switches> {
  const faults: Fault[] = [];
  const values: Record<string, unknown> = {};
  for (const description of SWITCHES) {
    const typed = options[toOptionName(description.flag)];
    if (typed === undefined) continue;
    const value = typeof typed === "string" ? parse(description.kind, typed) : typed;
    if (value === undefined)
      faults.push({ field: description.flag, message: `${wanted(description.kind)}, got "${typed}"` });
    else values[description.name] = value;
  }
  return check(values, faults);
}

function check(values: Record<string, unknown>, faults: Fault[]): Partial<Switches> {
  try {
    const switches = parseSwitches(values);
    if (faults.length === 0) return switches;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    faults.push(...error.faults.map(({ field, message }) => ({ field: flagOf(field), message })));
  }
  const list = faults.map(({ field, message }) => `${field}: ${message}`).join("; ");
  throw new RejectedError(`The switches do not fit: ${list}`, { code: "invalid_request", faults });
}

/** As commander names it: "--image-latency" is imageLatency. */
function toOptionName(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function flagOf(name: string): string {
  return SWITCHES.find((description: SwitchDescription) => description.name === name)?.flag ?? name;
}

const TEXTS: readonly SwitchKind[] = ["rate", "text", "retryAfter", "base64", "modelChange"];

function parse(kind: SwitchKind, text: string): unknown {
  if (text === "none" && (kind === "count" || kind === "rate" || kind === "status")) return null;
  if (text === "0" && !TEXTS.includes(kind)) return 0;
  if (kind === "duration") return parseDuration(text);
  if (kind === "size") return parseSize(text);
  if (TEXTS.includes(kind)) return text;
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function wanted(kind: SwitchKind): string {
  if (kind === "duration") return "wanted a duration such as 250ms or 7d";
  if (kind === "size") return "wanted a size such as 64KB or 5MiB";
  return "wanted a number";
}
