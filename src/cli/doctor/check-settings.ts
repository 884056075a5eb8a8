// What of the settings fits, and is probably not what was meant. What does not fit has ended the command before.
import type { Settings } from "../../app/settings.ts";
import { redactUrl } from "../../domain/request/http-url.ts";
import { createFindings, type Finding } from "./finding.ts";

/** Shorter tokens can be guessed by trying. */
const TOKEN_MIN_LENGTH = 16;

/** Names misspelt settings, guessable tokens, and what a proxy leaves unguarded. Asks nobody; empty where all is well. */
export function checkSettings({ misspelled, http, proxy }: Settings): Finding[] {
  const findings = createFindings("settings");
  for (const { name, meant } of misspelled) {
    findings.warning(`${name} is not a setting: nothing reads it`, {
      setting: meant,
      advice: "did you mean this one?",
    });
  }
  if (http.tokens.some((token) => token.length < TOKEN_MIN_LENGTH)) {
    findings.warning(`a token has fewer than ${TOKEN_MIN_LENGTH} characters and can be guessed`, {
      setting: "API_TOKENS",
      advice: "use random ones: openssl rand -hex 32",
    });
  }
  const proxies = new Set([proxy.httpProxy, proxy.httpsProxy].map((url) => redactUrl(url ?? null)));
  proxies.delete(null);
  if (proxies.size > 0) {
    const names = [...proxies].join(" and ");
    findings.warning(`${names} resolves names again by itself: what was checked here may lead elsewhere there`, {
      setting: proxy.httpsProxy === undefined ? "HTTP_PROXY" : "HTTPS_PROXY",
      advice: "let the proxy refuse private addresses as destinations",
    });
  }
  return findings.list;
}
