// The grammar of each kind of setting: text in, a checked value or a fault that says what was wanted. Never shows a value,
// which may be a secret. Reads no environment.
import { isIP } from "node:net";
import { z } from "zod";
import { toMessage } from "../domain/errors.ts";
import { httpUrlFault } from "../domain/request/http-url.ts";
import { parseDuration, parsePrice, parseRate, parseSize } from "../domain/units.ts";
import { HOST_PATTERN_FORM, parseHostPattern } from "../outbound/host-pattern.ts";
import { PROXY_FORM, parseNoProxy, parseProxyUrl } from "../outbound/proxy.ts";
import { redisUrlFault } from "../queue/redis-url.ts";
import { parseFileUrl, parseStorageUrl, pathFault, type StorageLocation } from "../storage/storage-url.ts";

export const DAY_MS = 24 * 3600_000;

/** A setting read by `parse`, which gives undefined for what does not fit. */
export function text<T>(parse: (value: string) => T | undefined, wanted: string) {
  return checked(parse, () => `wanted ${wanted}`);
}

/** The same with a fault of its own for each mistake. */
function checked<T>(parse: (value: string) => T | undefined, toFault: (value: string) => string) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: "custom", message: toFault(value.trim()), input: value });
    return z.NEVER;
  });
}

/** A setting whose `fault` says what is wrong with it, and whose value is its text. */
function faultless(fault: (value: string) => string | undefined) {
  return checked(
    (value) => (fault(value) === undefined ? value : undefined),
    (value) => fault(value) ?? "",
  );
}

// a timer takes 24.8 days at most: with more it fires at once, which for the API's timeout would break every paid call
export const duration = ({ least = 1, most = DAY_MS } = {}) =>
  text(
    (value) => within(parseDuration(value), { least, most }),
    `a duration such as 250ms, 30s or 7d, ${least === 0 ? "" : "more than 0 and "}at most ${most / DAY_MS}d`,
  );
export const size = text((value) => parseSize(value) || undefined, "a size such as 500KB or 64MiB, more than 0");
export const rate = text(parseRate, "a rate such as 10/s or 300/m");
export const rateOrNone = text(
  (value) => (value === "none" ? null : parseRate(value)),
  "a rate such as 100/s or 6000/m, or none",
);
export const price = text(parsePrice, "a price such as 0.02 USD");
export const boolean = text(
  (value) => ({ true: true, false: false, "1": true, "0": false })[value.toLowerCase()],
  "true or false",
);
export const whole = (min: number, max: number) =>
  text(
    (value) => (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined),
    `a whole number from ${min} to ${max}`,
  );

const entriesOf = (value: string) =>
  value
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

/** Entries separated by commas, each of which must fit; blanks and repeats are dropped. */
export const list = (fits: (entry: string) => boolean, wanted: string) =>
  text((value) => {
    const entries = [...new Set(entriesOf(value))];
    return entries.every(fits) ? entries : undefined;
  }, wanted);

export const hostList = list(
  (entry) => parseHostPattern(entry) !== undefined,
  `hosts separated by commas, each ${HOST_PATTERN_FORM}`,
);

// what a header cannot carry would fail at every call, without a word about the key
export const isHeaderText = (value: string) => /^[\x21-\x7e]+$/.test(value);
export const headerText = text(
  (value) => (isHeaderText(value) ? value : undefined),
  "printable ASCII characters without spaces",
);

export const proxyUrl = checked(parseProxyUrl, (value) =>
  /^socks/i.test(value) ? `wanted ${PROXY_FORM}: SOCKS is not supported` : `wanted ${PROXY_FORM}`,
);
export const noProxy = text(
  (value) => ("bypass" in parseNoProxy(value) ? value : undefined),
  "hosts separated by commas, each *, a host, .host, *.host, host:port, an address or a range such as 10.0.0.0/8",
);

/** Where a server listens: an IPv6 address without its brackets. */
export const listenHost = text((value) => {
  const host = value.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0) return host;
  const pattern = parseHostPattern(value);
  return pattern === undefined || pattern.subdomains || pattern.port !== undefined ? undefined : value;
}, "a name or address to listen on, such as 127.0.0.1 or ::, without scheme and port");

/** An http or https URL; `bare`: without query and fragment, which a path appended to it would end up in. */
export const httpUrl = ({ bare = false } = {}) =>
  faultless((value) => httpUrlFault(value) ?? (bare ? bareFault(value) : undefined));

function bareFault(value: string): string | undefined {
  if (value.includes("?")) return "wanted no query (?…) in this URL";
  return value.includes("#") ? "wanted no fragment (#…) in this URL" : undefined;
}

export const redisUrl = faultless(redisUrlFault);

/** The path of the catalog: a file, with or without the scheme `file:`, and with no other (":memory:" would keep nothing). */
export const file = pathSetting("file:<path>, such as file:./data/catalog.db", (path) => {
  if (/[/\\]$/.test(path)) return "wanted a file, got a folder";
  return path.includes("?") ? "wanted a path without ?: options are not read" : undefined;
});
export const folder = pathSetting("a folder, such as ./data/spool", () => undefined);

function pathSetting(wanted: string, more: (path: string) => string | undefined) {
  return z.string().transform((value, context): string => {
    const refuse = (message: string) => {
      context.issues.push({ code: "custom", message, input: value });
      return z.NEVER;
    };
    const given = value.trim();
    if (!/^file:./i.test(given) && /^[A-Za-z][\w+.-]+:|^:|^$/.test(given)) return refuse(`wanted ${wanted}`);
    try {
      const path = /^file:/i.test(given) ? parseFileUrl(given) : given;
      if (/^:/.test(path)) return refuse(`wanted ${wanted}`);
      const fault = pathFault(path) ?? more(path);
      return fault === undefined ? path : refuse(fault);
    } catch (error) {
      return refuse(toMessage(error));
    }
  });
}

export const storage = z.string().transform((value, context): StorageLocation => {
  try {
    return parseStorageUrl(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: toMessage(error) });
    return z.NEVER;
  }
});

function within(value: number | undefined, { least, most }: { least: number; most: number }): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined;
}
