// The S3 client, with the settings that stores other than AWS need. Created on first use: the SDK takes 150 to 200 ms to load.
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { ProxySettings } from "../outbound/proxy.ts";
import { createS3Handler } from "./s3-handler.ts";

/** How to reach the bucket. For everything else the SDK reads its own configuration: AWS_… variables, profiles, roles. */
export interface S3ClientOptions {
  forcePathStyle?: boolean;
  /** Maximum connections; waiting for one counts towards the request timeout. */
  maxSockets?: number;
  /** For one attempt: the time to the response headers, and the longest silence after them. */
  requestTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** The SDK's own attempts within one operation. */
  maxAttempts?: number;
  proxy?: ProxySettings | undefined;
  /** These three override the environment, for programs with several stores. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export type S3 = typeof import("@aws-sdk/client-s3");

/** The loaded SDK, and a client. */
export interface LoadedS3 {
  sdk: S3;
  client: S3Client;
}

/** If no region is set: stores other than AWS accept any, and AWS answers a wrong one with the right one. */
const FALLBACK_REGION = "us-east-1";

/** Loads the SDK and creates the client. */
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
    // older stores do not know CRC32; our puts have a SHA-256, and our callers verify the digest of a get
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // "Expect: 100-continue" (the default from 2 MiB on) costs each upload a round trip
    expectContinueHeader: false,
    requestHandler: createS3Handler({ maxSockets, connectTimeoutMs, requestTimeoutMs, proxy: options.proxy }),
  };
}
