// What other services import: `import { createClient } from "asset-archiver"`. It loads no database, no store and no image
// library; the way that is not taken (Redis or HTTP) is not loaded either.
import type { Client, HttpClient, HttpClientOptions, KnownRequest, RedisClientOptions } from "./client/contract.ts";
import { createLateClient, createLateHttpClient } from "./client/late-client.ts";
import { ConfigError } from "./domain/errors.ts";
import { httpUrlFault } from "./domain/request/http-url.ts";
import { redisUrlFault } from "./queue/redis-url.ts";

export type {
  AssetReference,
  AssetStream,
  BulkError,
  BulkOptions,
  BulkResult,
  CallOptions,
  CancelResult,
  Client,
  FetchOptions,
  FindFilter,
  HttpClient,
  HttpClientOptions,
  KnownRequest,
  RedisClientOptions,
  RetryResult,
  WaitOptions,
} from "./client/contract.ts";
export type { Fault } from "./domain/errors.ts";
export { ArchiverError, ConfigError, RejectedError, TransientError, WaitError } from "./domain/errors.ts";
export type { ArchivedAsset, RequestState, WebhookEvent } from "./domain/records.ts";
export type { Json } from "./domain/request/canonical-json.ts";
export type { AspectRatio, Recipe } from "./domain/request/recipe.ts";
export type { SubmissionInput } from "./domain/request/submission-input.ts";
export type { AssetView } from "./output/report/asset-links.ts";
export type { CallView, RequestView, WebhookView } from "./output/report/request-view.ts";
export type { GateView, QueueView, StatusView, WaitReason, WorkerView } from "./output/report/status-view.ts";

/**
 * A client straight to the queue (`redisUrl`), or to a server (`url`). Connects at the first use. Whoever creates it
 * closes it. Throws ConfigError for options that are neither.
 */
export function createClient(options: HttpClientOptions): HttpClient;
export function createClient(options: RedisClientOptions): Client<KnownRequest>;
export function createClient(options: HttpClientOptions | RedisClientOptions): Client<KnownRequest> {
  if ("url" in options && typeof options.url === "string") {
    const fault = httpUrlFault(options.url);
    if (fault !== undefined) throw invalid("url", fault);
    return createLateHttpClient(async () => (await import("./client/by-http.ts")).createHttpClient(options));
  }
  if ("redisUrl" in options && typeof options.redisUrl === "string") {
    const fault = redisUrlFault(options.redisUrl);
    if (fault !== undefined) throw invalid("redisUrl", fault);
    return createLateClient(async () => (await loadRedisClient()).createRedisClient(options));
  }
  throw new ConfigError("Cannot create a client: wanted { redisUrl } or { url }", { code: "invalid_settings" });
}

/** The queue's own packages are optional beside the client alone. */
async function loadRedisClient() {
  try {
    return await import("./client/by-redis.ts");
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const message =
      "Cannot connect to Redis: install the packages bullmq and ioredis, or connect with createClient({ url })";
    throw new ConfigError(message, { code: "package_missing", cause });
  }
}

/** The value stays out of the message: it may hold a password. */
function invalid(field: string, message: string): ConfigError {
  return new ConfigError(`Cannot create a client: ${field}: ${message}`, {
    code: "invalid_settings",
    faults: [{ field, message }],
  });
}
