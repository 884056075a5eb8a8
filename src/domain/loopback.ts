// Which names and addresses mean this machine and nobody else. Pure.
import { isIPv4 } from "node:net";

/** Of a HOST to listen on, or a host somebody called: brackets of IPv6 allowed. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  const mapped = name.replace(/^::ffff:/, "");
  return isIPv4(mapped) && mapped.startsWith("127.");
}
