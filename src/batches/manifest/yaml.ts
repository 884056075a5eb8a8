// YAML 1.2 to a document that knows its lines. The only file that knows the yaml package, and its words stay here: what it
// advises is meant for programs, and each kind of fault has words of ours.
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { ConfigError } from "../../domain/errors.ts";
import { isExactNumber } from "../../domain/request/exact-number.ts";
import { inexactNumber, MAX_DEPTH, TOO_DEEP } from "../../domain/request/json-safety.ts";
import type { ParsedDocument, PathFault, PathStep } from "./document.ts";
import { wholeText } from "./text.ts";

/** A document is held as a tree of nodes, many times its length. In characters; about 50,000 items. */
export const YAML_MAX_LENGTH = 8 * 1024 ** 2;

type Yaml = Document.Parsed;

/** Reads and parses a YAML document. Throws ConfigError `manifest_broken` with every fault of its syntax. */
export async function parseYaml(pieces: AsyncIterable<string>, name: string): Promise<ParsedDocument> {
  const text = await wholeText(pieces, { name, maxLength: YAML_MAX_LENGTH });
  const lineCounter = new LineCounter();
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  const document = parse(text, { name, lineCounter });
  const found = [...document.errors, ...document.warnings].slice(0, 10);
  if (found.length > 0) {
    const faults = found.map(({ code, pos }) => `line ${lineAt(pos[0])}: ${wordsFor(code, text.slice(...pos))}`);
    throw broken(name, faults.join("; "), found[0]);
  }
  const { faults, broken: fatal } = walk(document);
  if (fatal !== undefined) throw broken(name, `line ${lineAt(fatal.offset)}: ${fatal.message}`);
  return {
    value: toValue(document, name),
    faults,
    lineOf: (path) => lineAt(offsetOf(document, path)),
    textsOf: (path) => textsOf(document, path),
  };
}

function parse(text: string, { name, lineCounter }: { name: string; lineCounter: LineCounter }): Yaml {
  try {
    // 1.2: 16:9 is a text and no number of base 60, and "no" is a word; merge keys (<<) are older, and everybody knows them
    return parseDocument(text, { version: "1.2", merge: true, lineCounter, prettyErrors: false, logLevel: "error" });
  } catch (error) {
    throw broken(name, error instanceof RangeError ? TOO_DEEP : "it cannot be parsed", error);
  }
}

const WORDS: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag of its own",
  BAD_ALIAS: "wanted a name after & or *",
  BAD_DIRECTIVE: "unknown directive",
  BAD_DQ_ESCAPE: 'unknown escape in a text in double quotes; a backslash is written "\\\\"',
  BAD_INDENT: "wanted deeper indentation, or a closing bracket is missing",
  BAD_SCALAR_START: "a text that begins with this character needs quotes",
  BLOCK_AS_IMPLICIT_KEY: 'wanted one "name: value" on a line; a text with ": " in it needs quotes',
  BLOCK_IN_FLOW: "wanted no indented block within [ ] or { }",
  DUPLICATE_KEY: "wanted each name once, got it again",
  KEY_OVER_1024_CHARS: "a name is too long; is a line break or a quote missing?",
  MISSING_CHAR: "a quote, a comma, a colon or a bracket is missing",
  MULTILINE_IMPLICIT_KEY: "a name must stand on one line; is a quote missing?",
  MULTIPLE_DOCS: "wanted one document, got a second one behind ---",
  NON_STRING_KEY: "wanted a text as a name",
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: "wanted spaces as indentation, got a tab",
  TAG_RESOLVE_FAILED: "unknown tag; a text that begins with ! needs quotes",
  UNEXPECTED_TOKEN: "something here is not YAML; a text with special characters needs quotes",
};

function wordsFor(code: ErrorCode, source: string): string {
  const words = WORDS[code] ?? "this is not YAML";
  const shown = source.trim().split("\n")[0]?.slice(0, 40) ?? "";
  return shown === "" ? words : `${words} (at ${JSON.stringify(shown)})`;
}

/** What no value would show any more: numbers that were rounded, and what would make a walk through the value endless. */
interface Findings {
  faults: PathFault[];
  broken?: { offset: number; message: string };
}

function walk(document: Yaml): Findings {
  const findings: Findings = { faults: [] };
  visit(document.contents, { document, path: [], parents: [], findings });
  return findings;
}

interface Visit {
  document: Yaml;
  path: readonly PathStep[];
  parents: readonly Node[];
  findings: Findings;
}

function visit(node: unknown, at: Visit): void {
  const { document, path, parents, findings } = at;
  if (!isNode(node) || findings.broken !== undefined) return;
  const fail = (message: string) => {
    findings.broken = { offset: node.range?.[0] ?? 0, message };
  };
  if (isAlias(node)) {
    const target = node.resolve(document);
    if (target === undefined) fail(`wanted an anchor &${node.source} before this alias of it`);
    else if (parents.includes(target)) fail(`the alias *${node.source} stands within what it stands for`);
  } else if (isScalar(node)) {
    const message = scalarFault(node, path);
    if (message !== undefined) findings.faults.push({ path, message });
  } else if (parents.length > MAX_DEPTH + DOCUMENT_LEVELS) fail(TOO_DEEP);
  else visitMembers(node, at, fail);
}

/** The list of items, an item, and what stands around them. */
const DOCUMENT_LEVELS = 4;

function visitMembers(node: Node, at: Visit, fail: (message: string) => void): void {
  const parents = [...at.parents, node];
  if (isSeq(node))
    for (const [index, entry] of node.items.entries()) visit(entry, { ...at, parents, path: [...at.path, index] });
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (isScalar(key)) visit(value, { ...at, parents, path: [...at.path, String(key.value)] });
    else fail("wanted a text as a name");
  }
}

function scalarFault({ value, source = "" }: Scalar, path: readonly PathStep[]): string | undefined {
  if (typeof value !== "number") return undefined;
  // the path within an item: items/3/metadata/id
  const field = path.slice(path.indexOf("metadata"));
  if (!isExactNumber(source)) return inexactNumber(field, source);
  // a variable of a matrix keeps its text
  if (!/^[-+]?0\d/.test(source) || path.includes("matrix")) return undefined;
  return `wanted a number without leading zeros, or a text in quotes, got ${source}, which would be kept as ${value}`;
}

function toValue(document: Yaml, name: string): unknown {
  try {
    // few aliases may stand for much: the package counts what they expand to
    return document.toJS({ maxAliasCount: 1_000 });
  } catch (error) {
    throw broken(name, "its aliases stand for more than 1,000 copies of a part", error);
  }
}

/** Where the part at `path` begins: its name, where it has one. Stops at the last part that is there. */
function offsetOf(document: Yaml, path: readonly PathStep[]): number {
  let offset = document.contents?.range?.[0] ?? 0;
  let node: unknown = document.contents;
  for (const step of path) {
    const found = stepInto(document, node, step);
    if (found === undefined) break;
    ({ node, offset } = found);
  }
  return offset;
}

interface Found {
  node: unknown;
  offset: number;
}

function stepInto(document: Yaml, from: unknown, step: PathStep): Found | undefined {
  const node = isAlias(from) ? from.resolve(document) : from;
  if (isSeq(node)) {
    const entry = node.items[Number(step)];
    return isNode(entry) ? { node: entry, offset: entry.range?.[0] ?? 0 } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined) return stepIntoMerged(document, node, step);
  return isNode(pair.key) ? { node: pair.value, offset: pair.key.range?.[0] ?? 0 } : undefined;
}

/** A member that came by a merge key (<<). */
function stepIntoMerged(document: Yaml, map: YAMLMap, step: PathStep): Found | undefined {
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.value !== "<<") continue;
    for (const source of isSeq(value) ? value.items : [value]) {
      const found = stepInto(document, source, step);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The numbers and words below `path` that read otherwise than their values, such as 1.10 or 007, by their paths. */
function textsOf(document: Yaml, path: readonly PathStep[]): Map<string, string> {
  const texts = new Map<string, string>();
  let node: unknown = document.contents;
  for (const step of path) node = stepInto(document, node, step)?.node;
  collectTexts(document, node, { path: [], texts });
  return texts;
}

function collectTexts(
  document: Yaml,
  from: unknown,
  at: { path: readonly PathStep[]; texts: Map<string, string> },
): void {
  const node = isAlias(from) ? from.resolve(document) : from;
  const { path, texts } = at;
  if (isSeq(node)) {
    for (const [index, entry] of node.items.entries()) collectTexts(document, entry, { path: [...path, index], texts });
  } else if (isMap(node)) {
    for (const { key, value } of node.items)
      if (isScalar(key)) collectTexts(document, value, { path: [...path, String(key.value)], texts });
  } else if (isScalar(node) && typeof node.value !== "string" && node.source !== undefined) {
    if (node.source !== String(node.value)) texts.set(path.join("/"), node.source);
  }
}

function broken(name: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError(`Cannot read manifest "${name}": ${reason}, wanted YAML`, { code: "manifest_broken", cause });
}
