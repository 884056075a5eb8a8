// How our own doors come to a manifest: its source opened with what the settings say about S3.
import type { Settings } from "../../app/settings.ts";
import { readS3Object } from "../../storage/s3-object.ts";
import type { ManifestSource } from "./entry.ts";
import { openSource } from "./source.ts";

/**
 * Opens the manifest at `where`: a file, "-" for standard input, s3://bucket/key or https://…; read it with `readManifest`.
 * Throws ConfigError for what cannot be read, TransientError where the network failed.
 */
export function openManifest(
  where: string,
  options: { settings: Settings; signal?: AbortSignal },
): Promise<ManifestSource> {
  const { storage, proxy } = options.settings;
  return openSource(where, {
    readS3: (url, { signal }) => readS3Object(url, { forcePathStyle: storage.forcePathStyle, proxy, signal }),
    proxy,
    signal: options.signal,
  });
}
