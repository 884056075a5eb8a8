// Whether a request was sent by a web page of another origin (CSRF). A browser sends a POST without a body, or with a form, to
// loopback without a CORS preflight. A page cannot set the headers that are checked here. Pure.
import type { IncomingHttpHeaders } from "node:http";

/** These change nothing, and CORS prevents a foreign page from reading the answer. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Sent by our own page, or by the user (address bar, bookmark). */
const OWN_SITES = new Set(["same-origin", "none"]);

export interface OwnOrigin {
  /** The URL under which browsers reach the server, if a reverse proxy changes the `Host` header. */
  publicUrl?: string | undefined;
}

/**
 * The origin of the foreign page that sent an unsafe method, or undefined if no foreign page did.
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
  /** The browser attests that page and server have the same origin, so the schemes may differ: TLS ends at a proxy. */
  attested: boolean;
}

function isOwn(origin: string, { host, publicUrl, attested }: Own): boolean {
  const given = URL.parse(origin);
  // an origin is a scheme and a host, nothing else
  if (given === null || given.origin !== origin.toLowerCase() || given.origin === "null") return false;
  if (publicUrl !== undefined && given.origin === URL.parse(publicUrl)?.origin) return true;
  const schemes = attested ? ["http:", "https:"] : ["http:"];
  return schemes.some((scheme) => given.origin === URL.parse(`${scheme}//${host ?? ""}`)?.origin);
}
