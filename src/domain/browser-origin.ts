// Whether a request was sent by a web page of another origin (CSRF). A browser sends a POST without a body, or with a form, to
// loopback without asking first (no CORS preflight); the headers it adds cannot be set by the page. Pure.
import type { IncomingHttpHeaders } from "node:http";

/** These change nothing, and CORS keeps a foreign page from reading the answer. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Sent by a page of ours, or by the user (address bar, bookmark). */
const OWN_SITES = new Set(["same-origin", "none"]);

export interface OwnOrigin {
  /** The URL under which browsers reach the server, where a proxy in front changes the `Host` header. */
  publicUrl?: string | undefined;
}

/**
 * The origin of the foreign page that sent an unsafe method, or undefined where none did.
 *
 * | Sec-Fetch-Site        | Origin                                  |         |
 * |-----------------------|-----------------------------------------|---------|
 * | none                  | none                                    | passes: no browser (curl, services) |
 * | same-origin, none     | none                                    | passes  |
 * | same-origin, none     | `Host`, by http or https; PUBLIC_URL    | passes  |
 * | none sent             | `http://<Host>`; PUBLIC_URL             | passes  |
 * | any                   | `null`, any other                       | foreign |
 * | cross-site, same-site, anything else | any                      | foreign |
 */
export function findForeignOrigin(
  { method = "GET", headers }: { method?: string | undefined; headers: IncomingHttpHeaders },
  { publicUrl }: OwnOrigin = {},
): string | undefined {
  if (SAFE_METHODS.has(method)) return undefined;
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && !OWN_SITES.has(String(site))) return origin ?? String(site);
  if (origin === undefined) return undefined;
  return isOwn(origin, { host, publicUrl, attested: site === "same-origin" }) ? undefined : origin;
}

interface Own extends OwnOrigin {
  host: string | undefined;
  /** The browser says itself that page and server are one origin: then TLS ends in a proxy. */
  attested: boolean;
}

function isOwn(origin: string, { host, publicUrl, attested }: Own): boolean {
  const given = URL.parse(origin);
  // an origin is a scheme and a host, and nothing behind
  if (given === null || given.origin !== origin.toLowerCase() || given.origin === "null") return false;
  if (publicUrl !== undefined && given.origin === URL.parse(publicUrl)?.origin) return true;
  const schemes = attested ? ["http:", "https:"] : ["http:"];
  return schemes.some((scheme) => given.origin === URL.parse(`${scheme}//${host ?? ""}`)?.origin);
}
