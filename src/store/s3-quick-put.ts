// The quick way to put: the request that the SDK would send, signed by the SDK's signer and sent over its connections, without
// the half millisecond of CPU that its other layers take for each. It is learnt from an upload of the SDK that went well.
// Whatever does not go well on it goes the SDK's way, with its retries, its redirects and its errors.
import { finished } from "node:stream/promises";
import type { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { PutOptions } from "../pipeline/ports.ts";

/** An upload whose digest is known. */
export interface Upload {
  Bucket: string;
  Key: string;
  bytes: Buffer;
  options: PutOptions;
}

type Signer = Awaited<ReturnType<S3Client["config"]["signer"]>>;

/** Where a bucket's objects are put, as an upload of the SDK has shown it. */
interface Way {
  Bucket: string;
  server: Pick<HttpRequest, "protocol" | "hostname" | "port">;
  /** The header, which may name the port. */
  host: string;
  /** What stands before an object's key. */
  base: string;
  /** Asks for credentials itself, and so knows when they change. */
  signer: Signer;
}

/** As far as the SDK's own is looked at. */
interface HttpRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
}

const ways = new WeakMap<S3Client, Way>();

/** Learns the way from this upload, which the SDK is about to send. */
export function learnWay(client: S3Client, command: PutObjectCommand, { Bucket, Key }: Upload): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const way = await toWay(client, { request: args.request as HttpRequest, Bucket, key: encodeKey(Key) });
      const answer = await next(args);
      if (way !== undefined) ways.set(client, way);
      return answer;
    },
    // behind the signing
    { step: "finalizeRequest", priority: "low", name: "learnWay" },
  );
}

/** Puts, and resolves to the answer's ETag; undefined where the SDK has to be asked. Throws only where it was aborted. */
export async function putQuickly(client: S3Client, upload: Upload): Promise<{ ETag: string | undefined } | undefined> {
  const way = ways.get(client);
  if (way?.Bucket !== upload.Bucket) return undefined;
  const { signal } = upload.options;
  try {
    const signingDate = new Date(Date.now() + client.config.systemClockOffset);
    const request = await way.signer.sign(toRequest(way, upload) as never, { signingDate });
    const options = signal === undefined ? {} : { abortSignal: signal };
    const { response } = await client.config.requestHandler.handle(request as never, options);
    // its connection is free for the next one when the answer has been read to its end
    await finished(response.body.resume());
    if (response.statusCode === 200) return { ETag: response.headers.etag };
  } catch (error) {
    if (signal?.aborted) throw error;
  }
  // another region, another key, an outage: the SDK knows what to do, and the way is learnt anew from what it does
  ways.delete(client);
  return undefined;
}

/** The one kind of signature of which the way is learnt, with the region that it names. */
const SIGNED_FOR = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request,/;

async function toWay(
  client: S3Client,
  { request, Bucket, key }: { request: HttpRequest; Bucket: string; key: string },
): Promise<Way | undefined> {
  const { headers, path, protocol, hostname, port } = request;
  const [, region] = SIGNED_FOR.exec(headers.authorization ?? "") ?? [];
  if (region === undefined || !path.endsWith(key)) return undefined;
  const scheme = { name: "sigv4", signingName: "s3", signingRegion: region, properties: {} };
  return {
    Bucket,
    server: { protocol, hostname, ...(port === undefined ? {} : { port }) },
    host: headers.host ?? hostname,
    base: path.slice(0, -key.length),
    signer: await client.config.signer(scheme),
  };
}

function toRequest({ server, host, base }: Way, { Key, bytes, options }: Upload) {
  const headers: Record<string, string> = {
    host,
    "content-type": options.contentType,
    "content-length": String(bytes.length),
    "x-amz-sdk-checksum-algorithm": "SHA256",
    "x-amz-checksum-sha256": Buffer.from(options.digest, "hex").toString("base64"),
    "x-amz-content-sha256": options.digest,
    "user-agent": "asset-archiver",
  };
  if (options.cacheControl !== undefined) headers["cache-control"] = options.cacheControl;
  // what the SDK says in the query of each upload
  const query = { "x-id": "PutObject" };
  return { ...server, method: "PUT", path: base + encodeKey(Key), query, headers, body: bytes };
}

// each part of a key as the SDK encodes it
function encodeKey(key: string): string {
  return key.split("/").map(encodePart).join("/");
}

function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
