// The S3 client: made on first use, because the SDK takes 150 to 200 ms to load. Settings that stores other than AWS need.
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { ProxySettings } from "../outbound/proxy.ts";
import { createS3Handler } from "./s3-handler.ts";

/** How to reach the bucket. What is left out is the SDK's own business: AWS_… variables, profiles, roles. */
export interface S3ClientOptions {
  forcePathStyle?: boolean;
  /** Connections at most; waiting for one counts as part of a request's time. */
  maxSockets?: number;
  /** For one attempt up to the answer's head, and for silence on the wire after it. */
  requestTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** Attempts of the SDK's own, within one operation. */
  maxAttempts?: number;
  proxy?: ProxySettings | undefined;
  /** These three override the environment, for programs that hold several stores. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export type S3 = typeof import("@aws-sdk/client-s3");

/** The loaded SDK, and a client of it. */
export interface LoadedS3 {
  sdk: S3;
  client: S3Client;
}

/** Where no region is set anywhere: stores other than AWS take any, and AWS answers a wrong one by name. */
const FALLBACK_REGION = "us-east-1";

/** Loads the SDK and makes the client. */
export async function loadS3(options: S3ClientOptions): Promise<LoadedS3> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client(toClientConfig(options));
  const hasRegion = await client.config.region().then(
    () => true,
    () => false,
  );
  if (hasRegion) return { sdk, client };
  client.destroy();
  return { sdk, client: new sdk.S3Client({ ...toClientConfig(options), region: FALLBACK_REGION }) };
}

function toClientConfig(options: S3ClientOptions): S3ClientConfig {
  const { maxSockets = 128, requestTimeoutMs = 60_000, connectTimeoutMs = 10_000, maxAttempts = 3 } = options;
  return {
    forcePathStyle: options.forcePathStyle ?? false,
    maxAttempts,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    // older stores know no CRC32; what we put carries its SHA-256, what we get is compared by whoever knows the digest
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // with "Expect: 100-continue" (the default from 2 MiB on) each upload waits for one more round trip
    expectContinueHeader: false,
    requestHandler: createS3Handler({ maxSockets, connectTimeoutMs, requestTimeoutMs, proxy: options.proxy }),
  };
}
