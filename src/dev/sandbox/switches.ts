// The switches of the sandbox, all of them, in one table: what they are called, their defaults, what they do.
// The command line's flags, the control address and the options all come from it.
import { z } from "zod";
import { RejectedError } from "../../domain/errors.ts";
import { toFaults } from "../../domain/request/faults.ts";
import { MODEL_CHANGES } from "./painting/picture.ts";
import { parseRateLimit } from "./rate-limit.ts";

/** What kind of value a switch takes; the command line reads durations and sizes in their usual spelling. */
export type SwitchKind = keyof typeof KINDS;

const fraction = z.number().min(0).max(1);
const count = z.int().min(0);

const KINDS = {
  /** Milliseconds. */
  duration: count,
  /** 0 to 1. */
  fraction,
  /** 0 to 1, not 0. */
  scale: z.number().min(0.01).max(1),
  /** Bytes, bytes a second. */
  size: count.max(1024 ** 3),
  /** A whole number, or null for none. */
  count: count.nullable(),
  integer: count,
  /** "10/s", or null for none. */
  rate: z
    .string()
    .refine((text) => parseRateLimit(text) !== undefined, "wanted a rate such as 10/s, 300/m or 5/200ms")
    .nullable(),
  boolean: z.boolean(),
  text: z.string().nullable(),
  /** An HTTP status that is an error, or null. */
  status: z.int().min(400).max(599).nullable(),
  retryAfter: z.enum(["seconds", "date", "none"]),
  base64: z.enum(["data-url", "bare"]),
  modelChange: z.enum(["none", ...MODEL_CHANGES]),
} as const;

const TABLE = {
  latencyMs: { kind: "duration", value: 0, about: "how long the API takes to answer" },
  latencyJitter: { kind: "fraction", value: 0, about: "how far the latency strays, as a share of it, either way" },
  rateLimit: { kind: "rate", value: null, about: "calls allowed in a fixed window, such as 10/s; more get 429" },
  retryAfter: { kind: "retryAfter", value: "seconds", about: "the form of Retry-After on 429: seconds, date or none" },
  balance: { kind: "count", value: null, about: "images left to pay for; then 402 insufficient_balance" },
  forceStatus: { kind: "status", value: null, about: "answer every call with this error status" },
  forceBody: { kind: "text", value: null, about: "the body of forced errors, in place of the API's error form" },
  errorRate: { kind: "fraction", value: 0, about: "share of calls that get 500 or 503" },
  hangRate: { kind: "fraction", value: 0, about: "share of calls that are paid and never answered" },
  resetRate: { kind: "fraction", value: 0, about: "share of calls that are paid and whose connection is reset" },
  malformedRate: { kind: "fraction", value: 0, about: "share of calls that are paid and get 200 with broken JSON" },
  htmlRate: { kind: "fraction", value: 0, about: "share of calls that get a proxy's 502 page" },
  emptyRate: { kind: "fraction", value: 0, about: "share of calls that get 200 with data: []" },
  shortRate: { kind: "fraction", value: 0, about: "share of calls with n > 1 that get fewer images than n" },
  modelChange: {
    kind: "modelChange",
    value: "none",
    about: "from now on the model is another: none, encoder (same pixels), slight (a little lighter), other (pictures)",
  },
  urlLifetimeMs: { kind: "duration", value: 7 * 86_400_000, about: "how long image URLs live" },
  base64: { kind: "base64", value: "data-url", about: "the form of b64_json: data-url or bare" },
  bothForms: { kind: "boolean", value: false, about: "give url and b64_json at once, whatever was asked for" },
  imageScale: { kind: "scale", value: 1, about: "side of the images, as a share of the API's sizes; 0.05 is cheap" },
  imageBytes: { kind: "size", value: 0, about: "pad smaller images to this many bytes" },
  imageLatencyMs: { kind: "duration", value: 0, about: "how long a download takes to begin" },
  imageErrorRate: { kind: "fraction", value: 0, about: "share of downloads that get 503" },
  truncateRate: { kind: "fraction", value: 0, about: "share of downloads whose connection breaks half-way" },
  shortBodyRate: {
    kind: "fraction",
    value: 0,
    about: "share of downloads that are half an image, by all signs complete",
  },
  endlessRate: { kind: "fraction", value: 0, about: "share of downloads that never end" },
  htmlImageRate: { kind: "fraction", value: 0, about: "share of downloads that are an HTML page, with status 200" },
  redirectRate: { kind: "fraction", value: 0, about: "share of downloads that are redirected once" },
  slowDripBytesPerSecond: { kind: "size", value: 0, about: "speed of downloads; 0 is as fast as can be" },
  randomSeed: { kind: "integer", value: 1, about: "decides which calls and downloads the rates strike" },
} as const satisfies Record<string, { kind: SwitchKind; value: unknown; about: string }>;

type Table = typeof TABLE;

/** The name of a switch. */
export type SwitchName = keyof Table;

/** The value of every switch. */
export type Switches = { -readonly [Name in SwitchName]: z.output<(typeof KINDS)[Table[Name]["kind"]]> };

/** One row of the table. `flag` is its name on a command line. */
export interface SwitchDescription {
  name: SwitchName;
  flag: string;
  kind: SwitchKind;
  value: Switches[SwitchName];
  about: string;
}

/** Every switch, for help texts and flags. */
export const SWITCHES: readonly SwitchDescription[] = (Object.keys(TABLE) as SwitchName[]).map((name) => ({
  name,
  flag: `--${name.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  ...TABLE[name],
}));

/** All switches as they are when nobody touches them. */
export const DEFAULT_SWITCHES = Object.freeze(
  Object.fromEntries(SWITCHES.map(({ name, value }) => [name, value])),
) as Readonly<Switches>;

const switchesSchema = z
  .strictObject(Object.fromEntries(SWITCHES.map(({ name, kind }) => [name, KINDS[kind]])))
  .partial();

/** Some switches out of unknown data. Throws a RejectedError `invalid_switches` that names every fault. */
export function parseSwitches(data: unknown): Partial<Switches> {
  const parsed = switchesSchema.safeParse(data);
  if (parsed.success) return parsed.data as Partial<Switches>;
  const faults = toFaults(parsed.error, data, Object.keys(TABLE));
  const list = faults.map((fault) => `${fault.field}: ${fault.message}`).join("; ");
  throw new RejectedError(`The switches do not fit: ${list}`, { code: "invalid_switches", faults });
}
