// Bearer tokens: compared in constant time, so that how long a refusal takes tells nothing about any of them.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Which token a header brings. */
export interface Tokens {
  /** False when the server has none: then everybody on this machine is let in. */
  readonly required: boolean;
  /** The place of the token in the list, or undefined where the header brings none that is known. */
  find(authorization: string | undefined): number | undefined;
}

export function createTokens(tokens: readonly string[]): Tokens {
  // hashed, so that all are of one length; with a key of this process, so that nobody can aim at a hash
  const key = randomBytes(32);
  const hash = (token: string) => createHmac("sha256", key).update(token).digest();
  const known = tokens.map(hash);

  return {
    required: tokens.length > 0,
    find: (authorization) => {
      if (known.length === 0) return undefined;
      const [, given] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? "") ?? [];
      const hashed = hash(given ?? "");
      let found: number | undefined;
      // every token is looked at, also after a hit
      for (const [place, one] of known.entries()) if (timingSafeEqual(one, hashed)) found = place;
      return given === undefined ? undefined : found;
    },
  };
}
