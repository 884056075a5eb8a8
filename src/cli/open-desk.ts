// Chooses the desk of a command: a server where one is named, or else the catalog here. Loads only the one that is taken.
import { readSettings, type Settings } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { httpUrlFault } from "../request/http-url.ts";
import type { Desk } from "./desk.ts";
import { withApp } from "./io.ts";

/** The options of every command that can speak to a server. */
export interface DeskOptions {
  url?: string;
}

/** `--url`, with its words for `--help`. */
export const URL_OPTION = [
  "--url <address>",
  "speak to this server (default: ASSET_ARCHIVER_URL, else the catalog here)",
] as const;

/** Runs a command at the server of `--url` or ASSET_ARCHIVER_URL, or else at the catalog here. */
export async function withDesk(options: DeskOptions, use: (desk: Desk) => Promise<number>): Promise<number> {
  const settings = readSettings();
  const url = remoteUrl(options, settings);
  if (url === undefined) {
    const { createLocalDesk } = await import("./local-desk.ts");
    return withApp((app) => use(createLocalDesk(app)), { settings });
  }
  const { openRemoteDesk } = await import("./remote-desk.ts");
  const desk = openRemoteDesk({ url, token: settings.remote.token, proxy: settings.proxy });
  try {
    return await use(desk);
  } finally {
    await desk.close();
  }
}

function remoteUrl({ url }: DeskOptions, settings: Settings): string | undefined {
  if (url === undefined) return settings.remote.url;
  const fault = httpUrlFault(url);
  if (fault === undefined) return url;
  throw new ConfigError(`--url: ${fault}`, { code: "invalid_settings" });
}
