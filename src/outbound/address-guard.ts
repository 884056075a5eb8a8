// Keeps foreign URLs away from this machine's own network: which addresses may be reached, decided where the
// connection is made, or before a proxy makes it. Serves image downloads, webhooks and the redirects of manifests.
// The only file that knows ipaddr.js.
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { buildConnector, type Dispatcher } from "undici";
import { RejectedError } from "../domain/errors.ts";
import { createAgent } from "./agent.ts";
import { isLoopbackHost, matchesHost, normalizeHost, parseHostPattern, portOf } from "./host-pattern.ts";
import { type ChooseProxy, createProxyChoice, type ProxySettings } from "./proxy.ts";

export interface GuardOptions {
  /** Hosts, as `parseHostPattern` reads them, that may be reached although their addresses are private. */
  privateHosts: readonly string[];
  /** The setting that holds them, named in the refusal; undefined where there is none. */
  setting: string | undefined;
  /** Connections per origin. */
  connections?: number;
  connectTimeoutMs?: number;
  /**
   * A name is resolved and checked here before a proxy gets it. The proxy resolves it again by itself, and may come to
   * another address: what it can reach is its own to limit.
   */
  proxy?: ProxySettings | undefined;
}

export interface GuardedAgent {
  dispatcher: Dispatcher;
  /** The URL, parsed; throws RejectedError `address_refused` for one that must not be fetched. Asks no DNS. */
  checkUrl(url: string): URL;
  /** The URL a redirect leads to, checked like the first; a redirect from https to http is refused too. */
  checkRedirect(location: string, from: URL): URL;
  close(): Promise<void>;
}

/** An agent that connects to public addresses only, and the check of a URL that goes before it. Must be closed. */
export function createGuardedAgent(options: GuardOptions): GuardedAgent {
  const trust = { isTrusted: createTrust(options.privateHosts), setting: options.setting };
  const connect = createConnector({ ...trust, timeoutMs: options.connectTimeoutMs ?? 10_000 });
  const agent = createAgent({ connections: options.connections ?? 16, keepAlive: true, connect, proxy: options.proxy });
  const choose = createProxyChoice(options.proxy ?? {});
  let closing: Promise<void> | undefined;
  return {
    dispatcher: choose === undefined ? agent : checkBeforeProxy(agent, { ...trust, choose }),
    checkUrl: (url) => checkUrl(url, trust),
    checkRedirect: (location, from) => checkRedirect(location, { ...trust, from }),
    close: () => (closing ??= agent.close()),
  };
}

/** Behind a proxy the connector sees the proxy only: names are looked at before it gets them. */
function checkBeforeProxy(agent: Dispatcher, options: Trust & { choose: ChooseProxy }): Dispatcher {
  return agent.compose((dispatch) => (request, handler) => {
    const url = new URL(String(request.origin));
    if (options.choose(url) === undefined) return dispatch(request, handler);
    checkName(url, options).then(
      () => dispatch(request, handler),
      // no handler of ours looks at the controller of a request that was never begun
      (error: Error) => handler.onResponseError?.(null as unknown as Dispatcher.DispatchController, error),
    );
    return true;
  });
}

/**
 * | name | goes to the proxy |
 * |---|---|
 * | is trusted | yes |
 * | every address of it is public | yes |
 * | one address of it is not | no |
 * | not known here, and a name of private networks (one label, `.internal`, `.local` …) | no |
 * | not known here: often the proxy alone can resolve | yes |
 */
async function checkName(url: URL, { isTrusted, setting }: Trust): Promise<void> {
  const host = normalizeHost(url.hostname);
  if (isTrusted(host, portOf(url))) return;
  const literal = host.replace(/^\[|\]$/g, "");
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw refusedAddress(host, setting);
  if (isIP(literal) !== 0) return;
  const failure = await new Promise<Error | null>((resolve) => {
    createPublicLookup(setting)(host, { all: true }, resolve);
  });
  if (failure instanceof RejectedError) throw failure;
  if (failure !== null && (!host.includes(".") || PRIVATE_NAME.test(host))) throw refusedAddress(host, setting);
}

// RFC 6762 (appendix G), RFC 8375, and ICANN's reservation of .internal
const PRIVATE_NAME = /\.(internal|intranet|private|corp|home|lan|local|localdomain|home\.arpa)$/;

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
  setting: string | undefined;
}

// settings that do not fit were refused at start; here they allow nothing
function createTrust(privateHosts: readonly string[]): IsTrusted {
  const patterns = privateHosts.map(parseHostPattern).filter((pattern) => pattern !== undefined);
  return (host, port) => {
    const name = normalizeHost(isIP(host) === 6 ? `[${host}]` : host);
    return patterns.some((pattern) => matchesHost(pattern, name, port));
  };
}

function checkUrl(text: string, { isTrusted, setting }: Trust): URL {
  if (!URL.canParse(text)) throw refused("the URL", "is not valid");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refused(url.hostname, `has the scheme ${url.protocol}, expected http or https`);
  if (url.username !== "" || url.password !== "") throw refused(url.hostname, "has a user or password in the URL");
  const host = normalizeHost(url.hostname);
  if (isTrusted(host, portOf(url))) return url;
  const literal = host.replace(/^\[|\]$/g, "");
  if (isLoopbackHost(host) || (isIP(literal) !== 0 && !isPublicAddress(literal))) throw refusedAddress(host, setting);
  return url;
}

function checkRedirect(location: string, { from, ...trust }: Trust & { from: URL }): URL {
  const url = checkUrl(URL.parse(location, from.href)?.href ?? "", trust);
  if (from.protocol === "https:" && url.protocol !== "https:")
    throw refused(url.hostname, "is a redirect from https to http");
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
    if (options.isTrusted(host, portOf(target))) return open(target, callback);
    // a lookup is never asked about literals
    if (isIP(host) !== 0 && !isPublicAddress(host)) return callback(refusedAddress(host, options.setting), null);
    guarded(target, callback);
  };
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

/** dns.lookup, but one address that is not public spoils the name: a mixed answer is an attempt. */
function createPublicLookup(setting: string | undefined) {
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

function refusedAddress(host: string, setting: string | undefined): RejectedError {
  const advice = setting === undefined ? "" : `; ${setting} can allow it`;
  return refused(host, `is or leads to a private address${advice}`);
}

function refused(what: string, why: string): RejectedError {
  return new RejectedError(`Cannot reach ${what}: it ${why}`, { code: "address_refused" });
}
