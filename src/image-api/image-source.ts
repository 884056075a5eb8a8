// The source of an image in an answer: a URL or bytes. Decided by the text itself, whatever its field is called. Pure.

export interface ImageSource {
  url?: string;
  bytes?: Buffer;
}

/** What the name of a field suggests. It decides only if the text itself does not. */
export type LikelyKind = "url" | "bytes";

/** The image in a text, or undefined if there is no image. Relative URLs are resolved against `base`, the API's base URL. */
export function toImageSource(
  given: string,
  { likely, base }: { likely: LikelyKind; base?: string | undefined },
): ImageSource | undefined {
  const text = unquote(given);
  if (text === "") return undefined;
  const bytes = readBytes(text, likely);
  if (bytes !== undefined) return { bytes };
  const url = readUrl(text, { likely, base });
  return url === undefined ? undefined : { url };
}

/** Without surrounding white space and quotes. */
function unquote(given: string): string {
  const text = given.trim();
  const [first = "", last = ""] = [text[0], text.at(-1)];
  return text.length > 1 && ["''", '""', "``", "<>"].includes(first + last) ? text.slice(1, -1).trim() : text;
}

function readBytes(text: string, likely: LikelyKind): Buffer | undefined {
  if (/^data:/i.test(text)) return parseDataUrl(text);
  if (/^https?:\/\//i.test(text)) return undefined;
  const bytes = parseBase64(text);
  if (bytes === undefined) return undefined;
  return (likely === "bytes" && bytes.length >= BYTES_MIN) || isImage(bytes) ? bytes : undefined;
}

/** No image is smaller, and words such as "none" are base64 as well. */
const BYTES_MIN = 16;

/** The maximum length of a data URL's head. */
const DATA_HEAD_MAX = 300;

/** The bytes of a data URL (RFC 2397), in base64 or percent-encoded; also if one is declared as the other. */
function parseDataUrl(text: string, depth = 0): Buffer | undefined {
  const comma = text.slice(0, DATA_HEAD_MAX).indexOf(",");
  if (comma === -1) return undefined;
  const isBase64 = /;\s*base64\s*$/i.test(text.slice(0, comma));
  const data = text.slice(comma + 1).trim();
  // some gateways add a second head
  if (/^data:/i.test(data)) return depth < 2 ? parseDataUrl(data, depth + 1) : undefined;
  const decoded = decodeDigits(data);
  if (isBase64 || (decoded !== undefined && isImage(decoded))) return decoded;
  const bytes = percentDecode(data);
  return isImage(bytes) || (bytes.length > 0 && /^data:image\//i.test(text)) ? bytes : undefined;
}

/** The bytes of base64, in either alphabet, with or without a `data:…;base64,` head; undefined if it is invalid or empty. */
export function parseBase64(encoded: string | undefined): Buffer | undefined {
  if (encoded === undefined) return undefined;
  const head =
    /^(data:[^,]{0,300}|[a-z]{1,20}\/[a-z0-9.+-]{1,40};\s*base64\s*),/i.exec(encoded.slice(0, 400))?.[0] ?? "";
  return decodeDigits(encoded.slice(head.length));
}

function decodeDigits(text: string): Buffer | undefined {
  const plain = text.includes("%") ? percentDecode(text).toString("latin1") : text;
  const digits = (/\s/.test(plain) ? plain.replace(/\s+/g, "") : plain).replace(/={1,2}$/, "");
  const bytes = Buffer.from(digits, "base64");
  // Node's decoder skips invalid characters, so they show in the length
  const isWhole = digits.length % 4 !== 1 && bytes.length === Math.floor((digits.length * 3) / 4);
  return isWhole && bytes.length > 0 ? bytes : undefined;
}

/** Each %XX as one byte; everything else as UTF-8. */
function percentDecode(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] === 0x25 ? hexByte(bytes, at + 1) : undefined;
    out[length++] = code ?? (bytes[at] as number);
    if (code !== undefined) at += 2;
  }
  return out.subarray(0, length);
}

function hexByte(bytes: Buffer, at: number): number | undefined {
  const [high, low] = [hexDigit(bytes[at]), hexDigit(bytes[at + 1])];
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexDigit(code = 0): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : undefined;
}

const IMAGE_NAME = /\.(png|jpe?g|webp|gif|avif|bmp|tiff?|heic|jxl)([?#]|$)/i;

function readUrl(
  text: string,
  { likely, base }: { likely: LikelyKind; base?: string | undefined },
): string | undefined {
  // escaped for HTML; no signed query contains it
  const address = text.includes("&amp;") ? text.replaceAll("&amp;", "&") : text;
  if (/^https?:\/\//i.test(address)) {
    // a sentence may begin with a URL
    const isOne = !/\s/.test(address) || IMAGE_NAME.test(address.slice(0, 2_000));
    return isOne && URL.canParse(address) ? address : undefined;
  }
  if (base === undefined || /^[a-z][a-z0-9+.-]*:/i.test(address.slice(0, 50))) return undefined;
  if (address.length > 8_000 || /[{}"<>|\\^`]/.test(address)) return undefined;
  const isPath = likely === "url" && address.includes("/") && !/\s/.test(address);
  if (!isPath && !IMAGE_NAME.test(address)) return undefined;
  return URL.parse(address, base.endsWith("/") ? base : `${base}/`)?.href;
}

const MAGIC = ["89504e47", "ffd8ff", "47494638", "424d", "49492a00", "4d4d002a", "ff0a", "0000000c4a584c20"];

/** Whether bytes begin like an image. Only decoding proves it. */
export function isImage(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 16);
  const hex = head.toString("hex");
  if (bytes.length < 16) return false;
  if (MAGIC.some((magic) => hex.startsWith(magic))) return true;
  const [kind, brand] = [head.toString("latin1", 4, 8), head.toString("latin1", 8, 12)];
  return (hex.startsWith("52494646") && brand === "WEBP") || (kind === "ftyp" && /^(avi|hei|mif|msf|hev)/.test(brand));
}
