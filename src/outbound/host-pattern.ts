// Parses and matches hosts in settings (PRIVATE_IMAGE_HOSTS, PRIVATE_WEBHOOK_HOSTS, NO_PROXY). Pure.

import { isIP } from "node:net";
import { isLoopback } from "../domain/loopback.ts";
import { withoutTrailing } from "../domain/trim-end.ts";

/** `host`, `host:port`, `*.domain`, an IPv4 or IPv6 address with or without a port. */
export interface HostPattern {
  /** In the form of `normalizeHost`. */
  host: string;
  /** Undefined: any port. */
  port: string | undefined;
  /** `*.domain`: the names below the domain, not the domain itself. */
  subdomains: boolean;
}

/** What `parseHostPattern` accepts, for messages. */
export const HOST_PATTERN_FORM = "a host, host:port, *.domain or IP address, without scheme and path";

/** Parses one entry; undefined for a URL, a path, an address range, a bare `*` and anything else that is not a host. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const entry = text.trim();
  const subdomains = entry.startsWith("*.");
  const rest = subdomains ? entry.slice(2) : entry;
  const [, name, port] =
    isIP(rest) === 6 ? [rest, `[${rest}]`] : (/^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(rest) ?? []);
  if (name === undefined || /[/\\?#@*\s,]/.test(name)) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  const parsed = URL.parse(`http://${name}`);
  if (parsed === null || parsed.hostname === "") return undefined;
  const host = normalizeHost(parsed.hostname);
  if (subdomains && isIP(host.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  return { host, port: port === undefined ? undefined : String(Number(port)), subdomains };
}

/** The form for comparing hosts: lower case, addresses as URL parsing writes them, without a trailing dot. */
export function normalizeHost(hostname: string): string {
  return withoutTrailing(hostname.toLowerCase(), ".");
}

/** Whether a host (from a parsed URL) and its port match the pattern. */
export function matchesHost(pattern: HostPattern, host: string, port: string): boolean {
  if (pattern.port !== undefined && pattern.port !== port) return false;
  return pattern.subdomains ? host.endsWith(`.${pattern.host}`) : host === pattern.host;
}

/** The port of a URL, or the default port of its scheme. */
export function portOf({ protocol, port }: { protocol: string; port: string }): string {
  return port !== "" ? port : protocol === "https:" ? "443" : "80";
}

/** Whether the host of a URL is this machine, by its name or address alone: no DNS lookup. */
export function isLoopbackHost(hostname: string): boolean {
  return isLoopback(normalizeHost(hostname));
}
