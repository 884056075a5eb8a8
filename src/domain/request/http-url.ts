// URLs that people hand over: what may be in them, and what of them may be shown. Pure.

/**
 * What is wrong with an http or https URL, or undefined. A user and password are refused: a URL is shown in places where a
 * secret must not be.
 */
export function httpUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "")
    return "wanted a URL that begins with http:// or https://";
  return hasUserinfo(url) ? "wanted a URL without user and password" : undefined;
}

/** Whether a URL names a user or a password. */
export function hasUserinfo({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

/**
 * What may be shown of a URL that is, or may be, a capability: scheme, host and port. Path, query and fragment are the secret
 * with many services (Slack and Discord put it in the path, storage services in the query). Used for each URL that leaves the
 * catalog: views, sidecars, logs, errors. Null where the text is no URL.
 */
export function redactUrl(text: string | null): string | null {
  const url = text === null ? null : URL.parse(text);
  if (url === null || url.host === "") return null;
  return `${url.protocol}//${url.host}`;
}

/** An address that its owner chose to be named by, such as a manifest's: without user, password, query and fragment. */
export function withoutQuery(text: string): string {
  const url = URL.parse(text);
  return url === null ? text.replace(/[?#].*$/s, "") : `${url.protocol}//${url.host}${url.pathname}`;
}
