// The one decoder of text from outside: strict, so that no byte is ever replaced by U+FFFD and paid for. Pure.

const FATAL = { fatal: true };

const DECODERS = {
  "utf-8": new TextDecoder("utf-8", FATAL),
  "utf-16le": new TextDecoder("utf-16le", FATAL),
  "utf-16be": new TextDecoder("utf-16be", FATAL),
} as const;

/** The encodings that are read. */
export type Encoding = keyof typeof DECODERS;

/** What is said of bytes in any other encoding. */
export const EXPECTED_ENCODING = "wanted UTF-8, or UTF-16 with a byte order mark";

/**
 * The encoding of bytes that begin with `head` (at least three bytes, where there are so many): UTF-16 where a byte order
 * mark says so, as spreadsheets write it, otherwise UTF-8.
 */
export function detectEncoding(head: Uint8Array): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-8";
}

/** A decoder of its own for text that comes in pieces. It drops the byte order mark and throws a TypeError for other bytes. */
export function createDecoder(encoding: Encoding): InstanceType<typeof TextDecoder> {
  return new TextDecoder(encoding, FATAL);
}

/** The text of `bytes`, without its byte order mark. Throws a TypeError that says what was wanted for bytes of another encoding. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return DECODERS[detectEncoding(bytes)].decode(bytes);
  } catch (cause) {
    throw new TypeError(`${EXPECTED_ENCODING}, got other bytes`, { cause });
  }
}
