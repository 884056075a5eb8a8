// Slows down whoever guesses tokens: an address may be wrong a few times, then once in a while. A right guess does not help
// either while it is held back; a token that this address has used before does, so that nobody behind the same proxy is
// locked out by a neighbour.
import { isIPv6 } from "node:net";
import { createRateLimit } from "./rate-limit.ts";

/** Wrong tokens of one address: so many at once, given back over a minute. */
const WRONG_TOKENS = { max: 20, durationMs: 60_000 };
/** Addresses that are remembered; when there are more, all begin anew. */
const ADDRESSES = 10_000;

export interface TokenGuesses {
  /** How long this caller has to wait, in ms; 0: go on. `token` is the place of a right token, undefined where it is wrong. */
  judge(given: { address: string | undefined; authorization: string | undefined; token: number | undefined }): number;
}

export function createTokenGuesses(clock: { now(): number }): TokenGuesses {
  let limit = createRateLimit(WRONG_TOKENS, clock);
  const heldUntil = new Map<string, number>();
  const proven = new Set<string>();
  const isHeld = (network: string) => (heldUntil.get(network) ?? 0) > clock.now();
  const noteWrong = (network: string): number => {
    if (!heldUntil.has(network) && heldUntil.size >= ADDRESSES) {
      heldUntil.clear();
      limit = createRateLimit(WRONG_TOKENS, clock);
    }
    const waitMs = limit.take(network);
    heldUntil.set(network, clock.now() + waitMs);
    return waitMs;
  };
  return {
    judge({ address = "", authorization, token }) {
      // without a header nothing was guessed
      if (authorization === undefined) return 0;
      const network = networkOf(address);
      if (token === undefined) return noteWrong(network);
      const pair = `${network} ${token}`;
      if (proven.has(pair)) return 0;
      if (isHeld(network)) return (heldUntil.get(network) ?? 0) - clock.now();
      if (proven.size >= ADDRESSES) proven.clear();
      proven.add(pair);
      return 0;
    },
  };
}

// of IPv6 somebody has a whole /64 at least
function networkOf(address: string): string {
  const mapped = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(mapped)) return mapped;
  const [head = "", tail] = mapped.split("::");
  const groups = head.split(":").filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter(Boolean).length;
  const all = [...groups, ...Array.from({ length: zeros }, () => "0"), ...(tail ?? "").split(":").filter(Boolean)];
  return all.slice(0, 4).join(":");
}
