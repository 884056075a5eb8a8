// YAML 1.2 to a document that knows its lines. The only file that knows the yaml package.
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { ConfigError } from "../../domain/errors.ts";
import type { ParsedDocument } from "./document.ts";
import { wholeText } from "./text.ts";

/** A document is held as a tree of nodes, many times its length. In characters; about 50,000 items. */
export const YAML_MAX_LENGTH = 8 * 1024 ** 2;

/** Reads and parses a YAML document. Throws ConfigError `manifest_broken` with every fault of its syntax. */
export async function parseYaml(pieces: AsyncIterable<string>, name: string): Promise<ParsedDocument> {
  const text = await wholeText(pieces, { name, maxLength: YAML_MAX_LENGTH });
  const lineCounter = new LineCounter();
  // 1.2: 16:9 is a text and no number of base 60, and "no" is a word
  const document = parseDocument(text, { version: "1.2", lineCounter, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  const [first] = document.errors;
  if (first !== undefined) {
    const found = document.errors.slice(0, 10).map((error) => `line ${lineAt(error.pos[0])}: ${error.message}`);
    throw broken(name, found.join("; "), first);
  }
  return {
    value: toValue(document, name),
    lineOf: (path) => lineAt(offsetOf(document.contents, path)),
  };
}

function toValue(document: ReturnType<typeof parseDocument>, name: string): unknown {
  try {
    // few aliases may stand for much: the package counts what they expand to
    return document.toJS({ maxAliasCount: 1_000 });
  } catch (error) {
    throw broken(name, error instanceof Error ? error.message : String(error), error);
  }
}

/** Where the part at `path` begins: its key, where it has one. Stops at the last part that is there. */
function offsetOf(root: Node | null, path: readonly (string | number)[]): number {
  let offset = root?.range?.[0] ?? 0;
  let node: unknown = root;
  for (const step of path) {
    const found = stepInto(node, step);
    if (found === undefined) break;
    ({ node, offset } = found);
  }
  return offset;
}

function stepInto(node: unknown, step: string | number): { node: unknown; offset: number } | undefined {
  if (isSeq(node)) {
    const entry = node.items[Number(step)];
    return isNode(entry) ? { node: entry, offset: entry.range?.[0] ?? 0 } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined || !isNode(pair.key)) return undefined;
  return { node: pair.value, offset: pair.key.range?.[0] ?? 0 };
}

function broken(name: string, reason: string, cause: unknown): ConfigError {
  return new ConfigError(`Cannot read manifest "${name}": ${reason}, wanted YAML`, { code: "manifest_broken", cause });
}
