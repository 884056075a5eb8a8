// Creates undici agents: connections, proxies, and no timeouts of undici (each exchange has its own).
// All outbound HTTP goes through one of them.
import { Agent, type Dispatcher, fetch, Pool, ProxyAgent } from "undici";
import { createProxyChoice, type ProxySettings } from "./proxy.ts";

export type Connect = NonNullable<Agent.Options["connect"]>;

export interface AgentOptions {
  /** Per origin. */
  connections: number;
  /** False: a new connection for every request. */
  keepAlive: boolean;
  connect: Connect;
  proxy?: ProxySettings | undefined;
}

/** Like browsers. With undici's 16 KiB, large cookies and policies of a proxy would lose a paid answer. */
const MAX_HEADER_BYTES = 256 * 1024;
const PROXY_CONNECT_TIMEOUT_MS = 10_000;

/** An agent. Uses the proxies if set, except for loopback. Must be closed. */
export function createAgent({ connections, keepAlive, connect, proxy = {} }: AgentOptions): Dispatcher {
  const agentOptions: Agent.Options = {
    connections,
    pipelining: keepAlive ? 1 : 0,
    // one connection per request: with HTTP/2 a broken session would fail many calls
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const choose = createProxyChoice(proxy);
  if (choose === undefined) return new Agent({ ...agentOptions, connect });
  return new Agent({
    ...agentOptions,
    connect,
    factory: (origin, given) => {
      const uri = choose(new URL(origin));
      return uri === undefined ? new Pool(origin, given as Pool.Options) : createProxyAgent(uri, agentOptions);
    },
  });
}

/** `fetch` via an agent, or via a new one that uses the proxies and keeps no connections alive. */
export function createFetch(via: Dispatcher | ProxySettings): typeof globalThis.fetch {
  const dispatcher =
    "dispatch" in via ? via : createAgent({ connections: 4, keepAlive: false, connect: {}, proxy: via });
  // the types of undici's and Node's fetch differ in name only
  return ((input: string | URL, init?: object) => fetch(input, { ...init, dispatcher })) as typeof globalThis.fetch;
}

function createProxyAgent(uri: string, agentOptions: Agent.Options): ProxyAgent {
  return new ProxyAgent({
    ...agentOptions,
    uri,
    connectTimeout: PROXY_CONNECT_TIMEOUT_MS,
    proxyTls: { allowH2: false },
    // otherwise undici keeps connections to the proxy alive, with its own timeouts
    factory: (origin, given) => new Pool(origin, { ...agentOptions, ...(given as Pool.Options) }),
  });
}
