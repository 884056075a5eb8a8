// What works on this machine only: where a server is named for it, it is refused in one line and never done here instead.
import type { Command } from "commander";
import { ConfigError, RejectedError } from "../domain/errors.ts";
import { redactUrl } from "../domain/request/http-url.ts";

/** Runs before each command's own action. Throws ConfigError where ASSET_ARCHIVER_URL is set and the command knows no --url. */
export async function refuseRemote(command: Command): Promise<void> {
  if (command.options.some(({ long }) => long === "--url")) return;
  await requireLocal(pathOf(command));
}

/**
 * For a form of a command, such as "status --batch", that knows no server although the command does. Throws RejectedError
 * where --url is given, ConfigError where ASSET_ARCHIVER_URL is set.
 */
export async function requireLocal(form: string, { url }: { url?: string } = {}): Promise<void> {
  if (url !== undefined) {
    const message = `Cannot run "${form}" with --url: it works on the local catalog only; run it without --url on the machine of the catalog`;
    throw new RejectedError(message, { code: "invalid_request" });
  }
  const { readRemoteUrl } = await import("../app/settings.ts");
  const remote = readRemoteUrl();
  if (remote === undefined) return;
  const server = redactUrl(remote) ?? "a server";
  const message = `Cannot run "${form}" at ${server} (ASSET_ARCHIVER_URL): it works on the local catalog only; to run it here, unset the variable: ASSET_ARCHIVER_URL= asset-archiver ${form}`;
  throw new ConfigError(message, {
    code: "local_only",
    faults: [{ field: "ASSET_ARCHIVER_URL", message: `expected none for "${form}"` }],
  });
}

/** "catalog list", without the program's own name. */
function pathOf(command: Command): string {
  const above = command.parent;
  return above?.parent ? `${pathOf(above)} ${command.name()}` : command.name();
}
