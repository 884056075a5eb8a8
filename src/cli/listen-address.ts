// `--host` and `--port`, which win over HOST and PORT.
import type { Settings } from "../app/settings.ts";
import { RejectedError } from "../domain/errors.ts";

/** The settings with the address of the options. Throws a RejectedError for a port that is none. */
export function withListenAddress(settings: Settings, { host, port }: { host?: string; port?: string }): Settings {
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw new RejectedError(`--port: wanted a whole number from 0 to 65535, got "${port}"`, {
      code: "invalid_request",
    });
  }
  const http = { ...settings.http, host: host ?? settings.http.host, port: Number(port ?? settings.http.port) };
  return { ...settings, http };
}
