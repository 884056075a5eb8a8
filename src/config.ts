// The environment, checked and frozen: the only reader of process.env and of `.env`.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadEnvFile } from "node:process";
import { z } from "zod";
import { ConfigError, type Fault, toMessage } from "./errors.ts";
import { redisUrlFault } from "./queue/redis-url.ts";
import { parseStorageUrl, type StorageLocation } from "./store/storage-url.ts";
import { type Price, parseDuration, parsePrice, parseRate, parseSize } from "./units.ts";

const DAY_MS = 24 * 3600_000;
// a timer takes 24.8 days at most: with more it fires at once, which for the API's timeout would break every paid call
const duration = ({ least = 1, most = DAY_MS } = {}) =>
  text(
    (value) => within(parseDuration(value), { least, most }),
    `a duration such as 250ms, 30s or 7d, ${least === 0 ? "" : "more than 0 and "}at most ${most / DAY_MS}d`,
  );
const size = text((value) => parseSize(value) || undefined, "a size such as 500KB or 64MiB, more than 0");
const rate = text(parseRate, "a rate such as 10/s or 300/m");
const price = text(parsePrice, "a price such as 0.02 USD");
const boolean = text(
  (value) => ({ true: true, false: false, "1": true, "0": false })[value.toLowerCase()],
  "true or false",
);
const list = z.string().transform((value) =>
  value
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ""),
);
const file = text(toFile, "file:<path>, such as file:./data/catalog.db");
const whole = (min: number, max: number) =>
  text(
    (value) => (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined),
    `a whole number from ${min} to ${max}`,
  );

const WEBHOOK_SECRET_WANTED = "wanted whsec_ and 24 to 64 random bytes in base64: openssl rand -base64 32";
const isWebhookSecret = (secret: string) => {
  const base64 = secret.replace(/^whsec_/, "");
  const { length } = Buffer.from(base64, "base64");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && base64.length % 4 === 0 && length >= 24 && length <= 64;
};

/** Every setting with its form and its default; the table in docs/settings.md is tested against it. */
export const SETTINGS = z.object({
  REDIS_URL: redisUrl().default("redis://127.0.0.1:6379"),
  QUEUE_PREFIX: z.string().min(1).max(100).default("{asset-archiver}"),
  CATALOG_URL: file.prefault("file:./data/catalog.db"),
  STORAGE_URL: z.string().transform(toStorage).prefault("file:./data/archive"),
  MIRROR_URL: z.string().transform(toStorage).optional(),
  S3_FORCE_PATH_STYLE: boolean.optional(),
  SPOOL_DIR: z.string().min(1).optional(),
  IMAGE_API_BASE_URL: url(["http:", "https:"]).superRefine(checkBaseUrl).default("https://api.modelverse.cn/v1"),
  // what a header cannot carry would fail at every call, without a word about the key
  IMAGE_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "wanted printable ASCII characters without spaces")
    .optional(),
  IMAGE_API_TIMEOUT: duration().prefault("180s"),
  GENERATE_CONCURRENCY: whole(1, 10_000).prefault("16"),
  ARCHIVE_CONCURRENCY: whole(1, 10_000).prefault("16"),
  GENERATE_RATE_LIMIT: rate.optional(),
  GENERATE_ATTEMPTS: whole(1, 1_000).prefault("8"),
  UNKNOWN_CALL_POLICY: z.enum(["retry", "park"], { error: "wanted retry or park" }).default("retry"),
  MAX_UNARCHIVED_IMAGES: whole(4, 10_000_000).prefault("2000"),
  URL_LIFETIME: duration({ most: 36_500 * DAY_MS }).prefault("7d"),
  IMAGE_MAX_BYTES: size.prefault("64MiB"),
  PRIVATE_IMAGE_HOSTS: list.prefault(""),
  PRICE_PER_IMAGE: price.optional(),
  SHUTDOWN_GRACE: duration({ least: 0 }).prefault("60s"),
  HTTP_PROXY: z.string().optional(),
  HTTPS_PROXY: z.string().optional(),
  NO_PROXY: z.string().optional(),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: whole(0, 65_535).prefault("8080"),
  API_TOKENS: list.prefault(""),
  HTTP_RATE_LIMIT: text(
    (value) => (value === "none" ? null : parseRate(value)),
    "a rate such as 100/s or 6000/m, or none",
  ).prefault("2000/s"),
  PUBLIC_URL: url(["http:", "https:"]).optional(),
  ASSET_REDIRECT: boolean.prefault("false"),
  WEBHOOK_SECRET: list.refine((secrets) => secrets.every(isWebhookSecret), WEBHOOK_SECRET_WANTED).prefault(""),
  PRIVATE_WEBHOOK_HOSTS: list.prefault(""),
  ASSET_ARCHIVER_URL: url(["http:", "https:"]).optional(),
  ASSET_ARCHIVER_TOKEN: z.string().min(1).optional(),
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
  /** Whether REDIS_URL was set: if not, `demo` looks for a server or starts one. */
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
  /** For calls and downloads alike; the store has the AWS SDK's own ways. */
  readonly proxy: { httpProxy: string | undefined; httpsProxy: string | undefined; noProxy: string | undefined };
  readonly logLevel: z.output<typeof SETTINGS>["LOG_LEVEL"];
}

/** Reads `.env` (where there is one) and the environment. Throws a ConfigError that names every setting that does not fit. */
export function readSettings(): Settings {
  if (existsSync(".env")) loadEnvFile(".env");
  return parseSettings(process.env);
}

/** Checks an environment. An empty value counts as none, as `.env` files often hold them. */
export function parseSettings(environment: Environment): Settings {
  const given: Environment = Object.fromEntries(
    Object.entries(withUpperCaseProxies(environment)).filter(([, value]) => value !== undefined && value.trim() !== ""),
  );
  const parsed = SETTINGS.safeParse(given);
  if (!parsed.success) throw toConfigError(parsed.error);
  return Object.freeze(toSettings(parsed.data, given));
}

// the proxy variables are written in lower case by half of the world, and that form wins (curl)
function withUpperCaseProxies(environment: Environment): Environment {
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => {
    const value = environment[name.toLowerCase()] ?? environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...environment, ...Object.fromEntries(proxies) };
}

function toSettings(values: z.output<typeof SETTINGS>, given: Environment): Settings {
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
    proxy: { httpProxy: values.HTTP_PROXY, httpsProxy: values.HTTPS_PROXY, noProxy: values.NO_PROXY },
    logLevel: values.LOG_LEVEL,
  };
}

/** Names every setting at fault; the values are left out, since one of them may be a secret. */
function toConfigError(error: z.ZodError): ConfigError {
  const faults: Fault[] = error.issues.map((issue) => ({ field: issue.path.join("."), message: issue.message }));
  const lines = faults.map((fault) => `  ${fault.field}: ${fault.message}`);
  return new ConfigError(`The settings do not fit:\n${lines.join("\n")}`, { code: "invalid_settings", faults });
}

/** A setting read by `parse`, which gives undefined for what does not fit. */
function text<T>(parse: (value: string) => T | undefined, wanted: string) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: "custom", message: `wanted ${wanted}`, input: value });
    return z.NEVER;
  });
}

function within(value: number | undefined, { least, most }: { least: number; most: number }): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

/** The path of a file: with or without the scheme `file:`, and with no other (":memory:" would keep nothing). */
function toFile(value: string): string | undefined {
  const path = value.replace(/^file:(?:\/\/(?=\/))?/i, "");
  return path === "" || /^[A-Za-z][\w+.-]+:|^:/.test(path) ? undefined : path;
}

function url(protocols: readonly string[]) {
  const wanted = `wanted a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`;
  const fits = (url: URL | null) => url !== null && protocols.includes(url.protocol) && url.hostname !== "";
  return z.string().refine((value) => fits(URL.parse(value)), wanted);
}

/** The last parts of whole endpoints, which people paste from a provider's example. */
const ENDPOINT =
  /\/(images\/(generations|edits|variations)|(chat\/)?completions|embeddings|responses|models|tasks\/\w+|[\w-]+\/(generation|image-synthesis))$/i;

// `/images/generations` is appended to it, so what cannot be continued by a path is a mistake that every call would pay for
function checkBaseUrl(value: string, context: z.RefinementCtx): void {
  const url = URL.parse(value.trim());
  if (url === null) return;
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  if (value.includes("?")) refuse("wanted no query (?…) in a base URL");
  if (value.includes("#")) refuse("wanted no fragment (#…) in a base URL");
  let path = url.pathname;
  while (path.endsWith("/")) path = path.slice(0, -1);
  const endpoint = ENDPOINT.exec(path)?.[0];
  if (endpoint === undefined) return;
  refuse(`wanted the part before /images/generations, such as https://api.modelverse.cn/v1, without "${endpoint}"`);
}

function redisUrl() {
  return z.string().transform((value, context): string => {
    const fault = redisUrlFault(value);
    if (fault === undefined) return value.trim();
    context.issues.push({ code: "custom", message: fault, input: value });
    return z.NEVER;
  });
}

function toStorage(value: string, context: z.RefinementCtx): StorageLocation {
  try {
    return parseStorageUrl(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: toMessage(error) });
    return z.NEVER;
  }
}
