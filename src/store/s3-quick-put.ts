// The quick way to put: the request that the SDK would send, over the SDK's own connections, without the half millisecond
// of CPU that its layers take for each. It is learnt from an upload of the SDK that went well, and only where our signature
// of that upload equals the SDK's. Whatever does not go well on it goes the SDK's way, with its retries and its errors.
import { finished } from "node:stream/promises";
import type { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { PutOptions } from "../pipeline/ports.ts";
import { toAuthorization } from "./s3-sign.ts";

/** An upload whose digest is known. */
export interface Upload {
  Bucket: string;
  Key: string;
  bytes: Buffer;
  options: PutOptions;
}

/** Where a bucket's objects are put, as an upload of the SDK has shown it. */
interface Way {
  Bucket: string;
  protocol: string;
  hostname: string;
  port: number | undefined;
  /** The header, which may name the port. */
  host: string;
  /** What stands before an object's key. */
  base: string;
  region: string;
}

/** As far as the SDK's own is looked at. */
interface HttpRequest {
  method: string;
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
    const request = await toRequest(client, way, upload);
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

/** What the SDK says in the query of each upload. One that says more has another signature, and teaches nothing. */
const QUERY = { "x-id": "PutObject" };

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=/;

async function toWay(
  client: S3Client,
  { request, Bucket, key }: { request: HttpRequest; Bucket: string; key: string },
): Promise<Way | undefined> {
  const { headers, path, method, protocol, hostname, port } = request;
  const authorization = headers.authorization ?? "";
  const [, region, names] = SIGNATURE.exec(authorization) ?? [];
  if (region === undefined || names === undefined || !path.endsWith(key)) return undefined;
  const signed = Object.fromEntries(names.split(";").map((name) => [name, headers[name] ?? ""]));
  const signer = { ...(await client.config.credentials()), region };
  if (toAuthorization({ method, path, query: QUERY, headers: signed }, signer) !== authorization) return undefined;
  return { Bucket, protocol, hostname, port, host: signed.host ?? hostname, base: path.slice(0, -key.length), region };
}

async function toRequest(client: S3Client, way: Way, { Key, bytes, options }: Upload) {
  const { sessionToken, ...credentials } = await client.config.credentials();
  const now = new Date(Date.now() + client.config.systemClockOffset);
  const signed: Record<string, string> = {
    host: way.host,
    "content-type": options.contentType,
    "content-length": String(bytes.length),
    "x-amz-sdk-checksum-algorithm": "SHA256",
    "x-amz-checksum-sha256": Buffer.from(options.digest, "hex").toString("base64"),
    "x-amz-content-sha256": options.digest,
    "x-amz-date": now.toISOString().replace(/[-:]|\.\d+/g, ""),
  };
  if (options.cacheControl !== undefined) signed["cache-control"] = options.cacheControl;
  if (sessionToken !== undefined) signed["x-amz-security-token"] = sessionToken;
  const { protocol, hostname, port, base, region } = way;
  const request = { method: "PUT", path: base + encodeKey(Key), query: QUERY, headers: signed };
  const authorization = toAuthorization(request, { ...credentials, region });
  const headers = { ...signed, authorization, "user-agent": "asset-archiver" };
  return { ...request, protocol, hostname, port, headers, body: bytes };
}

// each part of a key as the SDK encodes it
function encodeKey(key: string): string {
  return key.split("/").map(encodePart).join("/");
}

function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
