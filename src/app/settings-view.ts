// The settings that count, as the log shows them at the start of a worker or a server. Nothing of them is a secret: of keys,
// tokens and passwords it says only whether there are any.

import { formatDuration, formatSize } from "../domain/units.ts";
import type { Settings } from "./settings.ts";

/** By the names of the environment. What is not set is left out. Pure. */
export function toSettingsView(
  settings: Settings,
  role: "worker" | "serve",
): Record<string, string | number | boolean> {
  const { imageApi, generate, archive, http, proxy } = settings;
  const shared = {
    REDIS_URL: withoutUser(settings.redisUrl),
    QUEUE_PREFIX: settings.queuePrefix,
    CATALOG_URL: `file:${settings.catalogFile}`,
    STORAGE_URL: toPlace(settings.storage),
    MIRROR_URL: settings.mirror && toPlace(settings.mirror),
    HTTPS_PROXY: proxy.httpsProxy && withoutUser(proxy.httpsProxy),
    HTTP_PROXY: proxy.httpProxy && withoutUser(proxy.httpProxy),
    LOG_LEVEL: settings.logLevel,
  };
  const worker = {
    SPOOL_DIR: settings.spoolFolder,
    IMAGE_API_BASE_URL: withoutUser(imageApi.baseUrl),
    IMAGE_API_KEY: imageApi.key === undefined ? "not set" : "set",
    IMAGE_API_TIMEOUT: formatDuration(imageApi.timeoutMs),
    GENERATE_CONCURRENCY: generate.concurrency,
    GENERATE_RATE_LIMIT: generate.rateLimit && toRate(generate.rateLimit),
    GENERATE_ATTEMPTS: generate.attempts,
    ARCHIVE_CONCURRENCY: archive.concurrency,
    UNKNOWN_CALL_POLICY: generate.unknownCallPolicy,
    MAX_UNARCHIVED_IMAGES: generate.maxUnarchivedImages,
    URL_LIFETIME: formatDuration(settings.urlLifetimeMs),
    IMAGE_MAX_BYTES: formatSize(settings.imageMaxBytes),
    PRIVATE_IMAGE_HOSTS: settings.privateImageHosts.join(",") || undefined,
    PRICE_PER_IMAGE:
      settings.pricePerImage && `${settings.pricePerImage.micros / 1e6} ${settings.pricePerImage.currency}`,
    WEBHOOK_SECRET: settings.webhooks.secrets.length === 0 ? "not set" : `${settings.webhooks.secrets.length} set`,
    SHUTDOWN_GRACE: formatDuration(settings.shutdownGraceMs),
  };
  const server = {
    HOST: http.host,
    PORT: http.port,
    API_TOKENS: http.tokens.length === 0 ? "not set" : `${http.tokens.length} set`,
    HTTP_RATE_LIMIT: http.rateLimit === null ? "none" : toRate(http.rateLimit),
    PUBLIC_URL: http.publicUrl && withoutUser(http.publicUrl),
  };
  const all = { ...shared, ...(role === "worker" ? worker : server) };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

const UNITS: Readonly<Record<number, string>> = { 1000: "s", 60000: "m", 3600000: "h" };

function toRate({ max, durationMs }: { max: number; durationMs: number }): string {
  return `${max}/${UNITS[durationMs] ?? formatDuration(durationMs)}`;
}

function toPlace(place: Settings["storage"]): string {
  if (place.kind === "directory") return `file:${place.path}`;
  return `s3://${place.bucket}${place.prefix === "" ? "" : `/${place.prefix}`}`;
}

function withoutUser(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "set";
  return `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
}
