// Which host names and addresses are loopback. Pure.
import { isIPv4 } from "node:net";

/** Whether a host, to listen on or from a URL, is loopback. IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  const mapped = name.replace(/^::ffff:/, "");
  return isIPv4(mapped) && mapped.startsWith("127.");
}
