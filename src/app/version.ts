// The version of this program, as its package names it.
import { readFileSync } from "node:fs";

/** For example "0.1.0". */
export const VERSION = readVersion();

function readVersion(): string {
  // as far above dist as above src
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
