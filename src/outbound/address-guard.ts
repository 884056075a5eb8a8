// Keeps foreign URLs away from this machine's own network: which addresses may be reached, decided where the
// connection is made. Serves image downloads and webhooks. The only file that knows ipaddr.js.
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { buildConnector, type Dispatcher } from "undici";
import { RejectedError } from "../errors.ts";
import { createAgent, type ProxySettings } from "./agent.ts";

export interface GuardOptions {
  /** Hosts, or host:port, that may be reached although their addresses are private. */
  privateHosts: readonly string[];
  /** The setting that holds them, named to whoever is refused. */
  setting: string;
  /** Connections per origin. */
  connections?: number;
  connectTimeoutMs?: number;
  /** Behind a proxy names are resolved by the proxy: then only literals and localhost are refused here. */
  proxy?: ProxySettings;
}

export interface GuardedAgent {
  dispatcher: Dispatcher;
  /** The URL, parsed; throws RejectedError `address_refused` for one that must not be fetched. Asks no DNS. */
  checkUrl(url: string): URL;
  close(): Promise<void>;
}

/** An agent that connects to public addresses only, and the check of a URL that goes before it. Must be closed. */
export function createGuardedAgent(options: GuardOptions): GuardedAgent {
  const trust = { isTrusted: createTrust(options.privateHosts), setting: options.setting };
  const connect = createConnector({ ...trust, timeoutMs: options.connectTimeoutMs ?? 10_000 });
  const agent = createAgent({ connections: options.connections ?? 16, keepAlive: true, connect, proxy: options.proxy });
  let closing: Promise<void> | undefined;
  return {
    dispatcher: agent,
    checkUrl: (url) => checkUrl(url, trust),
    close: () => (closing ??= agent.close()),
  };
}

/**
 * Whether an address, in any form ipaddr.js reads, is one of the public internet. Everything else is refused: private,
 * loopback, link-local (with the metadata services), carrier-grade NAT, multicast, reserved, documentation, tunnels.
 * An IPv4 address inside an IPv6 one (mapped, NAT64) counts as itself.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.range() === "unicast" && !PUBLIC_METADATA.has(parsed.toString());
  const v6 = parsed as ipaddr.IPv6;
  if (v6.match(NAT64)) return isPublicAddress(v6.toByteArray().slice(12).join("."));
  // 2000::/3 is all that is given out; what a later table calls by another name stays outside
  return v6.range() === "unicast" && v6.match(GLOBAL);
}

const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");
const GLOBAL = ipaddr.IPv6.parseCIDR("2000::/3");
/** Azure's platform address lies in a public range. */
const PUBLIC_METADATA = new Set(["168.63.129.16"]);

type IsTrusted = (host: string, port: string) => boolean;

interface Trust {
  isTrusted: IsTrusted;
  setting: string;
}

/** Hosts are compared as URL parsing leaves them: lower case, addresses in their one form, no dot at the end. */
function createTrust(privateHosts: readonly string[]): IsTrusted {
  const trusted = new Set(privateHosts.map(normalizeHost));
  return (host, port) => {
    const name = normalizeHost(host);
    return trusted.has(name) || trusted.has(`${name}:${port}`);
  };
}

function normalizeHost(entry: string): string {
  const bracketed = isIP(entry) === 6 ? `[${entry}]` : entry.trim();
  const port = /:(\d+)$/.exec(bracketed)?.[0] ?? "";
  const name = bracketed.slice(0, bracketed.length - port.length);
  const parsed = URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : name.toLowerCase();
  return withoutDot(parsed) + port;
}

function checkUrl(text: string, { isTrusted, setting }: Trust): URL {
  if (!URL.canParse(text)) throw refused("the URL", "is none");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refused(url.hostname, `is to be got by ${url.protocol}`);
  if (url.username !== "" || url.password !== "")
    throw refused(url.hostname, "comes with a user or password in the URL");
  const host = withoutDot(url.hostname);
  if (isTrusted(host, portOf(url.protocol, url.port))) return url;
  const literal = host.replace(/^\[|\]$/g, "");
  const isLocalName = host === "localhost" || host.endsWith(".localhost");
  if (isLocalName || (isIP(literal) !== 0 && !isPublicAddress(literal))) throw refusedAddress(host, setting);
  return url;
}

/** Connects after looking at the address itself: what a check before would see, DNS can change until then. */
function createConnector(options: Trust & { timeoutMs: number }): buildConnector.connector {
  const shared = { timeout: options.timeoutMs, allowH2: false };
  const open = buildConnector(shared);
  // @types/node knows lookup's callback as one form at a time
  const guarded = buildConnector({ ...shared, lookup: createPublicLookup(options.setting) as typeof dnsLookup });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    if (options.isTrusted(host, portOf(target.protocol, target.port))) return open(target, callback);
    // a lookup is never asked about literals
    if (isIP(host) !== 0 && !isPublicAddress(host)) return callback(refusedAddress(host, options.setting), null);
    guarded(target, callback);
  };
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

/** dns.lookup, but one address that is not public spoils the name: a mixed answer is an attempt. */
function createPublicLookup(setting: string) {
  return (host: string, options: LookupOptions, callback: LookupCallback): void => {
    dnsLookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error);
      if (!addresses.every(({ address }) => isPublicAddress(address))) return callback(refusedAddress(host, setting));
      const [first] = addresses;
      if (options.all === true || first === undefined) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function portOf(protocol: string, port: string): string {
  return port !== "" ? port : protocol === "https:" ? "443" : "80";
}

function withoutDot(host: string): string {
  return host.toLowerCase().replace(/\.+$/, "");
}

function refusedAddress(host: string, setting: string): RejectedError {
  return refused(host, `is or leads to a private address; ${setting} can allow it`);
}

function refused(what: string, why: string): RejectedError {
  return new RejectedError(`Cannot reach ${what}: it ${why}`, { code: "address_refused" });
}
