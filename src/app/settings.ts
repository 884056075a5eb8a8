// The environment, checked and frozen: the only reader of process.env and of `.env`.
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { ConfigError, type Fault } from "../domain/errors.ts";
import { httpUrlFault } from "../domain/request/http-url.ts";
import type { Price } from "../domain/units.ts";
import type { StorageLocation } from "../storage/storage-url.ts";
import { readEnvFile } from "./env-file.ts";
import { findPrivateRedisUrl } from "./private-redis-file.ts";
import {
  boolean,
  DAY_MS,
  duration,
  file,
  folder,
  headerText,
  hostList,
  httpUrl,
  isHeaderText,
  list,
  listenHost,
  noProxy,
  price,
  proxyUrl,
  rate,
  rateOrNone,
  redisUrl,
  size,
  storage,
  text,
  whole,
} from "./setting-grammar.ts";
import { findMisspelled, type MisspelledSetting } from "./setting-names.ts";

const WEBHOOK_SECRET_WANTED = "whsec_ and 24 to 64 random bytes in base64: openssl rand -base64 32";
const isWebhookSecret = (secret: string) => {
  const base64 = secret.replace(/^whsec_/, "");
  const { length } = Buffer.from(base64, "base64");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && base64.length % 4 === 0 && length >= 24 && length <= 64;
};

/** Every setting with its form and its default; the table in docs/settings.md is tested against it. */
export const SETTINGS = z.object({
  REDIS_URL: redisUrl.default("redis://127.0.0.1:6379"),
  QUEUE_PREFIX: text(
    (value) => (/^\S{1,100}$/.test(value) ? value : undefined),
    "1 to 100 characters without spaces",
  ).prefault("{asset-archiver}"),
  CATALOG_URL: file.prefault("file:./data/catalog.db"),
  STORAGE_URL: storage.prefault("file:./data/archive"),
  MIRROR_URL: storage.optional(),
  S3_FORCE_PATH_STYLE: boolean.optional(),
  SPOOL_DIR: folder.optional(),
  IMAGE_API_BASE_URL: httpUrl({ bare: true }).superRefine(checkBaseUrl).default("https://api.modelverse.cn/v1"),
  IMAGE_API_KEY: headerText.optional(),
  IMAGE_API_TIMEOUT: duration().prefault("180s"),
  GENERATE_CONCURRENCY: whole(1, 10_000).prefault("16"),
  ARCHIVE_CONCURRENCY: whole(1, 10_000).prefault("16"),
  GENERATE_RATE_LIMIT: rate.optional(),
  GENERATE_ATTEMPTS: whole(1, 1_000).prefault("8"),
  UNKNOWN_CALL_POLICY: z.enum(["retry", "park"], { error: "wanted retry or park" }).default("retry"),
  MAX_UNARCHIVED_IMAGES: whole(4, 10_000_000).prefault("2000"),
  URL_LIFETIME: duration({ most: 36_500 * DAY_MS }).prefault("7d"),
  IMAGE_MAX_BYTES: size.prefault("64MiB"),
  PRIVATE_IMAGE_HOSTS: hostList.prefault(""),
  PRICE_PER_IMAGE: price.optional(),
  SHUTDOWN_GRACE: duration({ least: 0 }).prefault("60s"),
  HTTP_PROXY: proxyUrl.optional(),
  HTTPS_PROXY: proxyUrl.optional(),
  ALL_PROXY: proxyUrl.optional(),
  NO_PROXY: noProxy.optional(),
  HOST: listenHost.prefault("127.0.0.1"),
  PORT: whole(0, 65_535).prefault("8080"),
  API_TOKENS: list(isHeaderText, "tokens separated by commas, each of printable ASCII without spaces").prefault(""),
  HTTP_RATE_LIMIT: rateOrNone.prefault("2000/s"),
  PUBLIC_URL: httpUrl({ bare: true }).optional(),
  ASSET_REDIRECT: boolean.prefault("false"),
  WEBHOOK_SECRET: list(isWebhookSecret, WEBHOOK_SECRET_WANTED).prefault(""),
  PRIVATE_WEBHOOK_HOSTS: hostList.prefault(""),
  ASSET_ARCHIVER_URL: httpUrl({ bare: true }).optional(),
  ASSET_ARCHIVER_TOKEN: headerText.optional(),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
      error: "wanted trace, debug, info, warn, error, fatal or silent",
    })
    .default("info"),
});

/** What the server is told. */
export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly tokens: readonly string[];
  /** For each token; null: none. */
  readonly rateLimit: { max: number; durationMs: number } | null;
  /** The address under which clients reach the server, where it is not the one they name themselves. */
  readonly publicUrl: string | undefined;
  /** Whether readers of an asset are sent to the store, where it can give addresses that work for a while. */
  readonly assetRedirect: boolean;
}

export type Environment = Record<string, string | undefined>;

/** All settings, ready to be used: durations in ms, sizes in bytes. */
export interface Settings {
  readonly redisUrl: string;
  /** Whether REDIS_URL was set: if not, `up` and `demo` look for a server or start one. */
  readonly redisGiven: boolean;
  readonly queuePrefix: string;
  readonly catalogFile: string;
  readonly storage: StorageLocation & { readonly forcePathStyle: boolean };
  /** Where a second copy of everything goes. */
  readonly mirror: (StorageLocation & { readonly forcePathStyle: boolean }) | undefined;
  readonly spoolFolder: string;
  readonly imageApi: { readonly baseUrl: string; readonly key: string | undefined; readonly timeoutMs: number };
  readonly generate: {
    readonly concurrency: number;
    readonly attempts: number;
    readonly rateLimit: { max: number; durationMs: number } | undefined;
    readonly unknownCallPolicy: "retry" | "park";
    readonly maxUnarchivedImages: number;
  };
  readonly archive: { readonly concurrency: number };
  readonly urlLifetimeMs: number;
  readonly imageMaxBytes: number;
  readonly privateImageHosts: readonly string[];
  readonly pricePerImage: Price | undefined;
  readonly shutdownGraceMs: number;
  /** With several secrets each message is signed with each, so that a secret can be changed without a gap. */
  readonly webhooks: { readonly secrets: readonly string[]; readonly privateHosts: readonly string[] };
  /** The server that commands speak to instead of catalog and queues. */
  readonly remote: { readonly url: string | undefined; readonly token: string | undefined };
  readonly http: HttpSettings;
  /** For everything that leaves by HTTP: calls, downloads, webhooks, manifests, S3, the server of commands. */
  readonly proxy: {
    readonly httpProxy: string | undefined;
    readonly httpsProxy: string | undefined;
    readonly noProxy: string | undefined;
  };
  /** Variables that look like a setting of ours and are none, with the one that was probably meant. */
  readonly misspelled: readonly MisspelledSetting[];
  readonly logLevel: z.output<typeof SETTINGS>["LOG_LEVEL"];
}

/** Reads `.env` (where there is one) and the environment. Throws a ConfigError that names every setting that does not fit. */
export function readSettings(): Settings {
  loadEnvFile();
  return withPrivateRedis(parseSettings(process.env));
}

/** Where REDIS_URL is not set: the private Redis that `up` or `demo` runs beside the catalog, if it runs. */
function withPrivateRedis(settings: Settings): Settings {
  if (settings.redisGiven) return settings;
  const redisUrl = findPrivateRedisUrl(dirname(settings.catalogFile));
  return redisUrl === undefined ? settings : Object.freeze({ ...settings, redisUrl });
}

/** ASSET_ARCHIVER_URL alone, as it stands, also where other settings do not fit; undefined where none is set. */
export function readRemoteUrl(): string | undefined {
  loadEnvFile();
  return withoutQuotes(process.env.ASSET_ARCHIVER_URL ?? "") || undefined;
}

// into the environment, since the AWS SDK and Node read theirs from there
function loadEnvFile(): void {
  for (const [name, value] of Object.entries(readEnvFile(".env"))) process.env[name] ??= value;
}

/** Checks an environment. An empty value counts as none, as `.env` files often hold them. */
export function parseSettings(environment: Environment): Settings {
  const given = toGiven(environment);
  const parsed = SETTINGS.safeParse(given);
  const faults = [...(parsed.error?.issues ?? []).map(toFault), ...findAwsFaults(environment)];
  if (parsed.success && isSamePlace(parsed.data.STORAGE_URL, parsed.data.MIRROR_URL)) faults.push(MIRROR_FAULT);
  if (!parsed.success || faults.length > 0) throw toConfigError(faults);
  return Object.freeze({ ...toSettings(parsed.data, given), misspelled: findMisspelled(environment, SETTING_NAMES) });
}

const MIRROR_FAULT: Fault = {
  field: "MIRROR_URL",
  message: "expected another place than STORAGE_URL: a copy in the same place is none",
};

/** Whether two locations are one, however they are written. */
function isSamePlace(store: StorageLocation, mirror: StorageLocation | undefined): boolean {
  if (store.kind === "directory") return mirror?.kind === "directory" && resolve(store.path) === resolve(mirror.path);
  return mirror?.kind === "s3" && store.bucket === mirror.bucket && store.prefix === mirror.prefix;
}

const SETTING_NAMES = Object.keys(SETTINGS.shape);
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** The values as they were meant: what some tools that read env files leave around them is not part of them. */
function toGiven(environment: Environment): Environment {
  const given: Environment = {};
  for (const name of [...SETTING_NAMES, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]) {
    // the proxy variables are often written in lower case, and that form wins (curl)
    const value = (PROXIES.includes(name) ? environment[name.toLowerCase()] : undefined) ?? environment[name];
    const meant = withoutQuotes(value ?? "");
    if (meant !== "") given[name] = meant;
  }
  // often SOCKS, beside two that are not: it only stands in for those that are missing
  if (given.HTTP_PROXY !== undefined && given.HTTPS_PROXY !== undefined) delete given.ALL_PROXY;
  return given;
}

// docker's --env-file keeps the quotes that a shell would take off
function withoutQuotes(value: string): string {
  const trimmed = value.trim();
  return (/^(["'])(.*)\1$/s.exec(trimmed)?.[2] ?? trimmed).trim();
}

const AWS_NAMES =
  "AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3".split(
    " ",
  );

/** The SDK reads these by itself and as they stand: what it would stumble over in the middle of the work is found here. */
function findAwsFaults(environment: Environment): Fault[] {
  return AWS_NAMES.flatMap((field) => {
    const value = environment[field] ?? "";
    if (value.trim() === "") return [];
    if (value !== withoutQuotes(value)) return [{ field, message: "wanted no quotes or spaces around the value" }];
    const message = field.startsWith("AWS_ENDPOINT_URL") ? httpUrlFault(value) : undefined;
    return message === undefined ? [] : [{ field, message }];
  });
}

function toSettings(values: z.output<typeof SETTINGS>, given: Environment): Omit<Settings, "misspelled"> {
  const endpointSet = given.AWS_ENDPOINT_URL_S3 !== undefined || given.AWS_ENDPOINT_URL !== undefined;
  const forcePathStyle = values.S3_FORCE_PATH_STYLE ?? endpointSet;
  return {
    redisUrl: values.REDIS_URL,
    redisGiven: given.REDIS_URL !== undefined,
    queuePrefix: values.QUEUE_PREFIX,
    catalogFile: values.CATALOG_URL,
    storage: { ...values.STORAGE_URL, forcePathStyle },
    mirror: values.MIRROR_URL === undefined ? undefined : { ...values.MIRROR_URL, forcePathStyle },
    spoolFolder: values.SPOOL_DIR ?? join(dirname(values.CATALOG_URL), "spool"),
    imageApi: { baseUrl: values.IMAGE_API_BASE_URL, key: values.IMAGE_API_KEY, timeoutMs: values.IMAGE_API_TIMEOUT },
    generate: {
      concurrency: values.GENERATE_CONCURRENCY,
      attempts: values.GENERATE_ATTEMPTS,
      rateLimit: values.GENERATE_RATE_LIMIT,
      unknownCallPolicy: values.UNKNOWN_CALL_POLICY,
      maxUnarchivedImages: values.MAX_UNARCHIVED_IMAGES,
    },
    archive: { concurrency: values.ARCHIVE_CONCURRENCY },
    urlLifetimeMs: values.URL_LIFETIME,
    imageMaxBytes: values.IMAGE_MAX_BYTES,
    privateImageHosts: values.PRIVATE_IMAGE_HOSTS,
    pricePerImage: values.PRICE_PER_IMAGE,
    shutdownGraceMs: values.SHUTDOWN_GRACE,
    webhooks: { secrets: values.WEBHOOK_SECRET, privateHosts: values.PRIVATE_WEBHOOK_HOSTS },
    remote: { url: values.ASSET_ARCHIVER_URL, token: values.ASSET_ARCHIVER_TOKEN },
    http: {
      host: values.HOST,
      port: values.PORT,
      tokens: values.API_TOKENS,
      rateLimit: values.HTTP_RATE_LIMIT,
      publicUrl: values.PUBLIC_URL,
      assetRedirect: values.ASSET_REDIRECT,
    },
    proxy: {
      httpProxy: values.HTTP_PROXY ?? values.ALL_PROXY,
      httpsProxy: values.HTTPS_PROXY ?? values.ALL_PROXY,
      noProxy: values.NO_PROXY,
    },
    logLevel: values.LOG_LEVEL,
  };
}

function toFault(issue: z.core.$ZodIssue): Fault {
  return { field: issue.path.join("."), message: issue.message };
}

/** Names every setting at fault; the values are left out, since one of them may be a secret. */
function toConfigError(faults: readonly Fault[]): ConfigError {
  const lines = faults.map((fault) => `  ${fault.field}: ${fault.message}`);
  return new ConfigError(`The settings do not fit:\n${lines.join("\n")}`, { code: "invalid_settings", faults });
}

/** The last parts of whole endpoints, which people paste from a provider's example. */
const ENDPOINT =
  /\/(images\/(generations|edits|variations)|(chat\/)?completions|embeddings|responses|models|tasks\/\w+|[\w-]+\/(generation|image-synthesis))$/i;

// `/images/generations` is appended to it, so what cannot be continued by a path is a mistake that every call would pay for
function checkBaseUrl(value: string, context: z.RefinementCtx): void {
  const url = URL.parse(value.trim());
  if (url === null) return;
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  let path = url.pathname;
  while (path.endsWith("/")) path = path.slice(0, -1);
  const endpoint = ENDPOINT.exec(path)?.[0];
  if (endpoint === undefined) return;
  refuse(`wanted the part before /images/generations, such as https://api.modelverse.cn/v1, without "${endpoint}"`);
}
