// Chooses the desk of a command: a server where one is named, or else the catalog here. Loads only the one that is taken.

import type { PrepareOptions } from "../app/installation.ts";
import { readSettings, type Settings } from "../app/settings.ts";
import { ConfigError } from "../domain/errors.ts";
import { httpUrlFault } from "../domain/request/http-url.ts";
import type { Backend } from "./backend.ts";
import { withApp } from "./io.ts";

/** The options of every command that can speak to a server. */
export interface BackendOptions {
  url?: string;
}

/** `--url`, with its words for `--help`. */
export const URL_OPTION = [
  "--url <address>",
  "speak to this server (default: ASSET_ARCHIVER_URL, else the catalog here)",
] as const;

/** Runs a command at the server of `--url` or ASSET_ARCHIVER_URL, or else at the catalog here. */
export async function withBackend(
  options: BackendOptions & { prepare?: PrepareOptions },
  use: (desk: Backend) => Promise<number>,
): Promise<number> {
  const settings = readSettings();
  const url = remoteUrl(options, settings);
  if (url === undefined) {
    const { createLocalBackend } = await import("./local-backend.ts");
    return withApp((app) => use(createLocalBackend(app)), {
      settings,
      ...(options.prepare && { prepare: options.prepare }),
    });
  }
  const { openHttpBackend } = await import("./http-backend.ts");
  const desk = openHttpBackend({ url, token: settings.remote.token, proxy: settings.proxy });
  try {
    return await use(desk);
  } finally {
    await desk.close();
  }
}

function remoteUrl({ url }: BackendOptions, settings: Settings): string | undefined {
  if (url === undefined) return settings.remote.url;
  const fault = httpUrlFault(url);
  if (fault === undefined) return url;
  throw new ConfigError(`--url: ${fault}`, { code: "invalid_settings" });
}
