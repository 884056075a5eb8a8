// How texts become the words of the full-text index, for texts and queries alike. Pure and deterministic: what stands in
// the index was made by these functions, so a change of them needs a migration that fills it anew.
import { createHash } from "node:crypto";

/**
 * Scripts that put no spaces between words. SQLite's own tokenizers take a whole sentence of them for one word, and its
 * trigrams cannot find a word of two characters, which in Chinese is the usual length.
 */
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]+/u;

const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+|\p{Extended_Pictographic}/gu;
const RUNS = new RegExp(`${UNSPACED.source}|(?:(?!${UNSPACED.source.replace(/\+$/, "")}).)+`, "gu");

/** One text without differences that nobody means when searching: case, width, accents of Latin letters. */
function fold(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .toLowerCase();
}

/**
 * The words of a text, in order. A run of an unspaced script becomes its overlapping pairs, so that a part of it of two
 * or more characters is a phrase of pairs: "红色狐狸" → 红色 色狐 狐狸. A run of one character is a word.
 */
export function toWords(text: string): string[] {
  return (fold(text).match(WORD) ?? []).flatMap((word) => (word.match(RUNS) ?? []).flatMap(toRunWords));
}

function toRunWords(run: string): string[] {
  const characters = [...run];
  if (characters.length === 1 || !UNSPACED.test(run)) return [run];
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`);
}

/** The distinct characters of unspaced scripts in a text: what a query of a single one is looked up in. */
export function toCharacters(text: string): string[] {
  const runs = (fold(text).match(WORD) ?? []).filter((word) => UNSPACED.test(word));
  return [...new Set(runs.flatMap((run) => [...run].filter((character) => UNSPACED.test(character))))];
}

/** Fields that a search can ask for exactly, in the index as words of their own. */
export interface Facets {
  collection?: string | null | undefined;
  tags?: readonly string[] | undefined;
  batch?: string | null | undefined;
  model?: string | null | undefined;
  aspect_ratio?: string | null | undefined;
  n?: number | null | undefined;
  seed?: number | null | undefined;
  steps?: number | null | undefined;
  guidance_scale?: number | null | undefined;
}

/** The words of the fields that are set. Free text is hashed: a word of the index holds ASCII letters and digits. */
export function toFacetWords(facets: Facets): string[] {
  const words = [
    hashed("co", facets.collection),
    hashed("ba", facets.batch),
    hashed("mo", facets.model),
    plain("ar", facets.aspect_ratio?.replace(":", "x")),
    plain("n", facets.n),
    plain("se", facets.seed),
    plain("st", facets.steps),
    plain("gs", facets.guidance_scale)?.replace(".", "p"),
    ...(facets.tags ?? []).map((tag) => hashed("ta", tag)),
  ];
  return words.filter((word) => word !== undefined);
}

function plain(kind: string, value: string | number | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : `${kind}${value}`;
}

const hashes = new Map<string, string>();
/** Collections, models and tags repeat; so many hashes are remembered. */
const HASHES_MAX = 5_000;

function hashed(kind: string, value: string | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  let hash = hashes.get(value);
  if (hash === undefined) {
    hash = createHash("sha256").update(value).digest("hex").slice(0, 16);
    if (hashes.size >= HASHES_MAX) hashes.clear();
    hashes.set(value, hash);
  }
  return kind + hash;
}
