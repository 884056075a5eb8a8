// What somebody typed into a search, taken apart: into terms, and from them the index's own query language. Pure.
import { RejectedError } from "../../domain/errors.ts";
import { toCharacters, toWords } from "./text.ts";

/**
 * One thing that must (or, with `not`, must not) be in a text.
 *
 * | typed | kind | found where |
 * |---|---|---|
 * | `fox`, `红色狐狸`, `"red fox"`, `红狐3d` | phrase | these words stand side by side (a run of Chinese: anywhere in a longer one) |
 * | `fo*` | prefix | a word begins so |
 * | `狐` | character | the character is anywhere |
 * | `-cat`, `-"red fox"` | any of these, with `not` | |
 */
export interface Term {
  kind: "phrase" | "prefix" | "character";
  words: string[];
  not: boolean;
}

const TYPED = /(-?)"([^"]*)"?|(\S+)/g;

/** So many terms at most: each costs a walk of the index. */
const TERMS_MAX = 32;

/** The terms of a text. Throws a RejectedError where there is nothing to look for. */
export function parseTerms(text: string): Term[] {
  const terms = [...text.matchAll(TYPED)].flatMap(([, minus, quoted, bare]) => {
    if (bare === undefined) return toTerms(quoted ?? "", minus === "-");
    const not = bare.startsWith("-") && bare.length > 1;
    return toTerms(not ? bare.slice(1) : bare, not);
  });
  if (terms.length > TERMS_MAX) throw invalid(`wanted at most ${TERMS_MAX} words, got ${terms.length}`);
  if (text.trim() !== "" && !terms.some((term) => !term.not))
    throw invalid(`wanted at least one word to look for, got ${JSON.stringify(text.slice(0, 100))}`);
  return terms;
}

function toTerms(text: string, not: boolean): Term[] {
  const words = toWords(text);
  const [first] = words;
  if (first === undefined) return [];
  if (words.length === 1 && text.endsWith("*")) return [toPrefix(first, not)];
  const isCharacter = words.length === 1 && toCharacters(first).includes(first);
  return [{ kind: isCharacter ? "character" : "phrase", words, not }];
}

/** Shorter beginnings fit so many words that finding all their texts takes seconds. */
const PREFIX_MIN = 2;

function toPrefix(word: string, not: boolean): Term {
  if ([...word].length < PREFIX_MIN && !toCharacters(word).includes(word))
    throw invalid(`wanted at least ${PREFIX_MIN} characters before *, got ${JSON.stringify(word)}`);
  return { kind: "prefix", words: [word], not };
}

/** What stands in the index besides words that were typed: words of fields, and prompts that are known as a whole. */
export interface TermCounts {
  facets: readonly string[];
  whole: { prompt?: string | undefined; negative_prompt?: string | undefined };
}

/** Of a whole prompt so many words are asked of the index: they leave few, which are compared. */
const WHOLE_WORDS = 12;

/** The same as FTS5 reads it: https://www.sqlite.org/fts5.html#full_text_query_syntax. "" asks for nothing. */
export function toMatch(terms: readonly Term[], { facets, whole }: TermCounts): string {
  const wanted = [
    ...terms.filter((term) => !term.not).map(toTermMatch),
    ...facets.map((word) => `facets : "${word}"`),
    ...(["prompt", "negative_prompt"] as const).flatMap((column) => {
      const words = toWords(whole[column] ?? "").slice(0, WHOLE_WORDS);
      return words.length === 0 ? [] : [`${column} : "${words.join(" ")}"`];
    }),
  ].join(" AND ");
  const unwanted = terms.filter((term) => term.not).map(toTermMatch);
  return unwanted.length === 0 ? wanted : `(${wanted}) NOT (${unwanted.join(" OR ")})`;
}

/** One term for FTS5. Its words hold letters, digits and symbols only, never a quote. */
export function toTermMatch({ kind, words }: Term): string {
  if (kind === "character") return `characters : "${words[0]}"`;
  return `{prompt negative_prompt} : "${words.join(" ")}"${kind === "prefix" ? " *" : ""}`;
}

/** How often a term stands in a text whose words are given. The index would say the same. */
export function countTerm({ kind, words }: Term, text: readonly string[]): number {
  const [first = ""] = words;
  if (kind === "prefix") return text.filter((word) => word.startsWith(first)).length;
  if (kind === "character") return countCharacter(first, text);
  return text.filter((_, at) => words.every((word, offset) => text[at + offset] === word)).length;
}

// inside a run it stands in two pairs, at the run's edges in one
function countCharacter(character: string, text: readonly string[]): number {
  const first = text.filter((word) => word.startsWith(character)).length;
  return Math.max(first, text.filter((word) => word.endsWith(character)).length);
}

function invalid(message: string): RejectedError {
  return new RejectedError(`Cannot search: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "text", message }],
  });
}
