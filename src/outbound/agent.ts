// Builds undici agents: connections, proxies, and none of undici's own timeouts (ours govern each exchange).
// Everything that leaves this machine by HTTP leaves through one of them.
import { Agent, type Dispatcher, fetch, Pool, ProxyAgent } from "undici";
import { createProxyChoice, type ProxySettings } from "./proxy.ts";

export type Connect = NonNullable<Agent.Options["connect"]>;

export interface AgentOptions {
  /** Per origin. */
  connections: number;
  /** False: a fresh connection for every request. */
  keepAlive: boolean;
  connect: Connect;
  proxy?: ProxySettings | undefined;
}

/** As browsers have it. With undici's 16 KiB an answer that is paid for is lost to a proxy's cookies and policies. */
const MAX_HEADER_BYTES = 256 * 1024;
const PROXY_CONNECT_TIMEOUT_MS = 10_000;

/** An agent; through the proxies where they are set, save for this machine itself. Must be closed. */
export function createAgent({ connections, keepAlive, connect, proxy = {} }: AgentOptions): Dispatcher {
  const agentOptions: Agent.Options = {
    connections,
    pipelining: keepAlive ? 1 : 0,
    // one request, one connection: with HTTP/2 a broken session would take many calls with it
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

/** `fetch` by way of an agent, or of one that goes through the proxies and holds no connection between requests. */
export function createFetch(via: Dispatcher | ProxySettings): typeof globalThis.fetch {
  const dispatcher =
    "dispatch" in via ? via : createAgent({ connections: 4, keepAlive: false, connect: {}, proxy: via });
  // the types of undici's own fetch and of Node's differ in name only
  return ((input: string | URL, init?: object) => fetch(input, { ...init, dispatcher })) as typeof globalThis.fetch;
}

function createProxyAgent(uri: string, agentOptions: Agent.Options): ProxyAgent {
  return new ProxyAgent({
    ...agentOptions,
    uri,
    connectTimeout: PROXY_CONNECT_TIMEOUT_MS,
    proxyTls: { allowH2: false },
    // without it undici keeps connections to the proxy alive, and gives them timeouts of its own
    factory: (origin, given) => new Pool(origin, { ...agentOptions, ...(given as Pool.Options) }),
  });
}
