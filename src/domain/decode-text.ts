// The only decoder of text from outside. Strict: a byte replaced by U+FFFD could end up in a paid prompt. Pure.

const FATAL = { fatal: true };

const DECODERS = {
  "utf-8": new TextDecoder("utf-8", FATAL),
  "utf-16le": new TextDecoder("utf-16le", FATAL),
  "utf-16be": new TextDecoder("utf-16be", FATAL),
} as const;

/** The supported encodings. */
export type Encoding = keyof typeof DECODERS;

/** The error for bytes in another encoding. */
export const EXPECTED_ENCODING = "wanted UTF-8, or UTF-16 with a byte order mark";

/**
 * The encoding of bytes that begin with `head` (three bytes, or all if there are fewer): UTF-16 if there is a byte order
 * mark for it, as spreadsheets write it, otherwise UTF-8.
 */
export function detectEncoding(head: Uint8Array): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-8";
}

/** A decoder for text that comes in chunks. It drops the byte order mark and throws a TypeError for other bytes. */
export function createDecoder(encoding: Encoding): InstanceType<typeof TextDecoder> {
  return new TextDecoder(encoding, FATAL);
}

/** The text of `bytes`, without its byte order mark. Throws a TypeError for bytes in another encoding. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return DECODERS[detectEncoding(bytes)].decode(bytes);
  } catch (cause) {
    throw new TypeError(`${EXPECTED_ENCODING}, got other bytes`, { cause });
  }
}
