// `.env` as people write it: with a byte order mark, in UTF-16, with Windows line ends.
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { decodeText } from "../domain/decode-text.ts";
import { ConfigError, toMessage } from "../domain/errors.ts";

/** The variables of an env file; none where there is no such file. Throws a ConfigError where it cannot be read. */
export function readEnvFile(path: string): Record<string, string> {
  try {
    return toVariables(decodeText(readFileSync(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new ConfigError(`Cannot read ${path}: ${toMessage(error)}`, { code: "invalid_settings", cause: error });
  }
}

// parseEnv takes a carriage return for a part of the value, and its types know of undefined, which it never gives
function toVariables(text: string): Record<string, string> {
  return parseEnv(text.replaceAll("\r\n", "\n")) as Record<string, string>;
}
