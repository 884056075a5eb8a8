// Protects the private network from URLs of others (SSRF): the address is checked when the connection is made, or before a
// proxy makes it. Used for image downloads, webhooks and redirects of manifests.
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
  /** Hosts, as in `parseHostPattern`, that are allowed although their addresses are private. */
  privateHosts: readonly string[];
  /** The setting for them, for error messages; undefined without one. */
  setting: string | undefined;
  /** Connections per origin. */
  connections?: number;
  connectTimeoutMs?: number;
  /**
   * A name is resolved and checked here before the proxy gets it. The proxy resolves it again, and may get another address:
   * it must limit itself what it can reach.
   */
  proxy?: ProxySettings | undefined;
}

export interface GuardedAgent {
  dispatcher: Dispatcher;
  /** Parses the URL; throws RejectedError `address_refused` for one that must not be fetched. Without a DNS lookup. */
  checkUrl(url: string): URL;
  /** Parses the target of a redirect, with the same check. Also refuses a redirect from https to http. */
  checkRedirect(location: string, from: URL): URL;
  close(): Promise<void>;
}

/** An agent that connects to public addresses only, and the check of a URL before it is used. Must be closed. */
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

/** With a proxy, the connector only sees the proxy's address: names are checked before. */
function checkBeforeProxy(agent: Dispatcher, options: Trust & { choose: ChooseProxy }): Dispatcher {
  return agent.compose((dispatch) => (request, handler) => {
    const url = new URL(String(request.origin));
    if (options.choose(url) === undefined) return dispatch(request, handler);
    checkName(url, options).then(
      () => dispatch(request, handler),
      // our handlers do not use the controller of a request that never started
      (error: Error) => handler.onResponseError?.(null as unknown as Dispatcher.DispatchController, error),
    );
    return true;
  });
}

/**
 * | name | goes to the proxy |
 * |---|---|
 * | trusted | yes |
 * | all its addresses are public | yes |
 * | one of its addresses is private | no |
 * | cannot be resolved here, and is a private name (one label, `.internal`, `.local` …) | no |
 * | cannot be resolved here: often only the proxy can | yes |
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
 * Whether an address, in any form ipaddr.js reads, is on the public internet. Everything else is refused: private,
 * loopback, link-local (with the metadata services), carrier-grade NAT, multicast, reserved, documentation, tunnels.
 * An IPv4 address inside an IPv6 one (mapped, NAT64) counts as itself.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.range() === "unicast" && !PUBLIC_METADATA.has(parsed.toString());
  const v6 = parsed as ipaddr.IPv6;
  if (v6.match(NAT64)) return isPublicAddress(v6.toByteArray().slice(12).join("."));
  // 2000::/3 is all that is allocated
  return v6.range() === "unicast" && v6.match(GLOBAL);
}

const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");
const GLOBAL = ipaddr.IPv6.parseCIDR("2000::/3");
/** Azure's platform address is in a public range. */
const PUBLIC_METADATA = new Set(["168.63.129.16"]);

type IsTrusted = (host: string, port: string) => boolean;

interface Trust {
  isTrusted: IsTrusted;
  setting: string | undefined;
}

// invalid settings were refused at startup; here they allow nothing
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

/** Checks the address that is connected to: after an earlier check, DNS could change (rebinding). */
function createConnector(options: Trust & { timeoutMs: number }): buildConnector.connector {
  const shared = { timeout: options.timeoutMs, allowH2: false };
  const open = buildConnector(shared);
  // @types/node knows lookup's callback as one form at a time
  const guarded = buildConnector({ ...shared, lookup: createPublicLookup(options.setting) as typeof dnsLookup });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    if (options.isTrusted(host, portOf(target))) return open(target, callback);
    // there is no lookup for literals
    if (isIP(host) !== 0 && !isPublicAddress(host)) return callback(refusedAddress(host, options.setting), null);
    guarded(target, callback);
  };
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

/** dns.lookup that refuses a name with any private address: a mixed answer is an attack. */
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
