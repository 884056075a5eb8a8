// Builds undici agents: connections, proxies, and none of undici's own timeouts (ours govern each exchange).
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";

/** The proxy variables as the operator set them; config reads the environment, nobody here does. */
export interface ProxySettings {
  httpProxy?: string | undefined;
  httpsProxy?: string | undefined;
  noProxy?: string | undefined;
}

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

/** An agent; through the proxies where they are set, save for this machine itself. Must be closed. */
export function createAgent(options: AgentOptions): Dispatcher {
  const { connections, keepAlive, connect, proxy } = options;
  const agentOptions: Agent.Options = {
    connections,
    connect,
    pipelining: keepAlive ? 1 : 0,
    // one request, one connection: with HTTP/2 a broken session would take many calls with it
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  if (!proxy?.httpProxy && !proxy?.httpsProxy) return new Agent(agentOptions);
  return new EnvHttpProxyAgent({
    ...agentOptions,
    // "" and not undefined, which would make undici read the environment
    httpProxy: proxy.httpProxy ?? "",
    httpsProxy: proxy.httpsProxy ?? "",
    noProxy: ["localhost,127.0.0.1,[::1]", proxy.noProxy ?? ""].filter((hosts) => hosts !== "").join(","),
  });
}
