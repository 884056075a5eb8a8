// The SDK's HTTP handler: sends its requests over our own agent, and so through the same proxies as everything else.
// Knows nothing about S3.
import type { Readable } from "node:stream";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { createAgent } from "../outbound/agent.ts";
import type { ProxySettings } from "../outbound/proxy.ts";
import { openStream, type StreamError } from "../outbound/stream.ts";

export interface S3HandlerOptions {
  /** Maximum connections per host; waiting for one counts towards the request timeout. */
  maxSockets: number;
  connectTimeoutMs: number;
  /** For one attempt: the time to the response headers, and the longest silence within the body. */
  requestTimeoutMs: number;
  proxy: ProxySettings | undefined;
}

/** The fields of the SDK's request that are used. */
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

/** The `requestHandler` of a client. Destroying the client destroys it. */
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
  // the SDK only uses the shape of request and response; its types refer to classes of packages that we do not import
  return handler as unknown as NonNullable<S3ClientConfig["requestHandler"]>;
}

function originOf({ protocol, hostname, port }: SdkRequest): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
}

function toQuery(query: SdkRequest["query"] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, given]) =>
    [given ?? []].flat().map((value) => `${encode(name)}=${encode(value)}`),
  );
  // a parameter without a value, such as ?delete
  const bare = Object.entries(query).flatMap(([name, given]) => (given === null ? [encode(name)] : []));
  const parts = [...bare, ...pairs];
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

// as in signatures: RFC 3986
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

// the SDK retries errors of this name
function asSdkError(thrown: StreamError): never {
  throw thrown.code === "ETIMEDOUT" ? Object.assign(thrown, { name: "TimeoutError" }) : thrown;
}
