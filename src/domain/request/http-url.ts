// URLs from users: what they may contain, and which part of them may be shown. Pure.

/**
 * What is wrong with an http or https URL, or undefined. User and password are refused: URLs are shown where secrets must
 * not be.
 */
export function httpUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "")
    return "wanted a URL that begins with http:// or https://";
  return hasUserinfo(url) ? "wanted a URL without user and password" : undefined;
}

/** Whether a URL has a user or a password. */
export function hasUserinfo({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

/**
 * The part of a URL that may be shown: scheme, host and port. Path and query are the secret of many services (Slack and
 * Discord put it in the path, storage services in the query). Used for every URL that leaves the catalog: views, sidecars,
 * logs, errors. Null if the text is not a URL.
 */
export function redactUrl(text: string | null): string | null {
  const url = text === null ? null : URL.parse(text);
  if (url === null || url.host === "") return null;
  return `${url.protocol}//${url.host}`;
}

/** A URL that is shown as a name, such as a manifest's: without user, password, query and fragment. */
export function withoutQuery(text: string): string {
  const url = URL.parse(text);
  return url === null ? text.replace(/[?#].*$/s, "") : `${url.protocol}//${url.host}${url.pathname}`;
}
