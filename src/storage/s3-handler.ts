// How the SDK's requests leave this machine: over the project's own agent, and so through the same proxies as everything else.
// Knows nothing of S3.
import type { Readable } from "node:stream";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { createAgent } from "../outbound/agent.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import { openStream, type StreamError } from "../outbound/stream.ts";

export interface S3HandlerOptions {
  /** Connections per host at most; waiting for one counts as part of a request's time. */
  maxSockets: number;
  connectTimeoutMs: number;
  /** For one attempt up to the answer's head, and for silence within its body. */
  requestTimeoutMs: number;
  proxy: ProxySettings | undefined;
}

/** As far as the SDK's own request is looked at. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  method: string;
  query?: Record<string, string | string[] | null | undefined>;
  headers: Record<string, string>;
  body?: Buffer | Uint8Array | string | Readable;
}

/** The `requestHandler` of a client, which destroys it with itself. */
export function createS3Handler(options: S3HandlerOptions): NonNullable<S3ClientConfig["requestHandler"]> {
  const { requestTimeoutMs, proxy } = options;
  const agent = createAgent({
    connections: options.maxSockets,
    keepAlive: true,
    connect: { timeout: options.connectTimeoutMs },
    proxy,
  });
  const handle = async (request: SdkRequest, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
    const { status, headers, body } = await openStream(agent, {
      origin: originOf(request),
      path: request.path + toQuery(request.query),
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal: abortSignal,
      headTimeoutMs: requestTimeoutMs,
      silenceTimeoutMs: requestTimeoutMs,
    }).catch(asSdkError);
    return { response: { statusCode: status, headers: joinValues(headers), body } };
  };
  const handler = {
    metadata: { handlerProtocol: "http/1.1" },
    handle,
    destroy: () => void agent.destroy(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
  // the SDK looks at the form of request and response alone; its types name classes of packages that are not ours
  return handler as unknown as NonNullable<S3ClientConfig["requestHandler"]>;
}

function originOf({ protocol, hostname, port }: SdkRequest): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
}

function toQuery(query: SdkRequest["query"] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, given]) =>
    [given ?? []].flat().map((value) => `${encode(name)}=${encode(value)}`),
  );
  // a parameter without a value, such as ?delete, has none on the wire either
  const bare = Object.entries(query).flatMap(([name, given]) => (given === null ? [encode(name)] : []));
  const parts = [...bare, ...pairs];
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

// as signatures have it: RFC 3986
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function joinValues(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(", ")]],
    ),
  );
}

// the SDK repeats what has this name
function asSdkError(thrown: StreamError): never {
  throw thrown.code === "ETIMEDOUT" ? Object.assign(thrown, { name: "TimeoutError" }) : thrown;
}
