// Chooses the proxy for a URL: parses the proxy variables and NO_PROXY. Pure.
import { BlockList, isIP } from "node:net";
import {
  type HostPattern,
  isLoopbackHost,
  matchesHost,
  normalizeHost,
  parseHostPattern,
  portOf,
} from "./host-pattern.ts";

/** The values of the proxy variables. */
export interface ProxySettings {
  /** For http. */
  httpProxy?: string | undefined;
  /** For https. Default: the proxy for http. */
  httpsProxy?: string | undefined;
  noProxy?: string | undefined;
}

/** What `parseProxyUrl` accepts, for messages. */
export const PROXY_FORM = "http://[user:password@]host:port, https://… or host:port";

/**
 * | text | is |
 * |---|---|
 * | `http://proxy.test:3128`, `https://user:pw@proxy.test` | a proxy; the port defaults to the scheme's |
 * | `proxy.test:3128`, `user:pw@proxy.test:3128` | the same with http |
 *
 * Gives the URL in its normal form; undefined for SOCKS, paths, queries and anything else.
 */
export function parseProxyUrl(text: string): string | undefined {
  const given = text.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(given);
  // without a scheme, only a port distinguishes a proxy from any other word
  if (!hasScheme && !/:\d+\/?$/.test(given)) return undefined;
  const url = URL.parse(hasScheme ? given : `http://${given}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "" || url.port === "0") return undefined;
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || /\s/.test(given)) return undefined;
  return isDecodable(url.username) && isDecodable(url.password) ? url.href : undefined;
}

// undici decodes both when the agent is created, and throws a bare URIError
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a URL is reached directly. */
export type Bypass = (url: URL) => boolean;

/**
 * Entries separated by commas or spaces: `*` (everything), `host`, `.host` (both with all names below them), `*.host` (those
 * names only), each with an optional port; addresses, and ranges such as `10.0.0.0/8`. Returns `fault` for the first invalid
 * entry.
 */
export function parseNoProxy(text: string): { bypass: Bypass } | { fault: string } {
  const tests: Bypass[] = [];
  for (const entry of text.split(/[,\s]+/).filter((entry) => entry !== "")) {
    const test = parseBypassEntry(entry);
    if (test === undefined) return { fault: entry };
    tests.push(test);
  }
  return { bypass: (url) => tests.some((test) => test(url)) };
}

function parseBypassEntry(entry: string): Bypass | undefined {
  if (entry === "*") return () => true;
  if (entry.includes("/")) return parseRange(entry);
  const pattern = parseHostPattern(entry.replace(/^\./, ""));
  return pattern && ((url) => isBypassed(pattern, url));
}

function isBypassed(pattern: HostPattern, url: URL): boolean {
  const host = normalizeHost(url.hostname);
  const port = portOf(url);
  // like curl and Go: a plain name also matches its subdomains
  return matchesHost(pattern, host, port) || matchesHost({ ...pattern, subdomains: true }, host, port);
}

function parseRange(entry: string): Bypass | undefined {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const range = new BlockList();
  range.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return (url) => {
    const host = normalizeHost(url.hostname).replace(/^\[|\]$/g, "");
    return isIP(host) === family && range.check(host, family === 4 ? "ipv4" : "ipv6");
  };
}

/** The proxy for a URL, or undefined for a direct connection. Loopback is always direct. */
export type ChooseProxy = (url: URL) => string | undefined;

/** Undefined if no proxy is set. Invalid settings were refused at startup; here they are ignored. */
export function createProxyChoice({ httpProxy, httpsProxy, noProxy }: ProxySettings): ChooseProxy | undefined {
  const http = parseProxyUrl(httpProxy ?? "");
  const https = parseProxyUrl(httpsProxy ?? "") ?? http;
  if (http === undefined && https === undefined) return undefined;
  const exceptions = parseNoProxy(noProxy ?? "");
  const bypass = "bypass" in exceptions ? exceptions.bypass : () => false;
  return (url) => {
    if (isLoopbackHost(url.hostname) || bypass(url)) return undefined;
    return url.protocol === "https:" ? https : http;
  };
}
