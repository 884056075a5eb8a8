// Words that make a text read as translated, or that only this project uses: the part of the rules on English in
// CONTRIBUTING.md that a machine can check. A pure function over paths and texts, and the command that runs it on this checkout.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Each pattern, and what to write instead. */
const PATTERNS: readonly (readonly [pattern: RegExp, better: string])[] = [
  [/\btold\b/i, "notified, reported, recorded"],
  [/\bmend(s|ed|ing)?\b/i, "repair, fix"],
  [/\banew\b/i, "again"],
  [/\bwho(so)?ever\b/i, "the caller, the process that …"],
  [/\bfor ?ever\b/i, "without a limit, indefinitely"],
  [/\bin vain\b/i, "without result"],
  [/\b(would|could|might|must|will|may) else\b|\belse (would|could|might)\b/i, "otherwise"],
  [/\bwants? one of\b/i, "requires, expects"],
  [/\bbrings? (it|them) home\b/i, "finishes it"],
  [/\bnight after night\b/i, "on a schedule"],
  [/\breckon(s|ed|ing)?\b/i, "compute"],
  [/\bleaf(s|ed|ing)? through\b/i, "browse"],
  [/\bmatters not\b/i, "does not matter"],
  [/\b(is|are) none\b/i, "there is no …, is not a …"],
  [
    /(?<!\bthere )\bis no (json|png|image|id|number|error|url|name|key|date|time|file|folder|list|object|text)\b/i,
    "is not a …",
  ],
  [/\b(is|are|be) let (finish|write|go|in|out|alone)\b/i, "may finish"],
  [/\bleave to (write|make|call|erase|go|read)\b/i, "permission, a permit"],
  [/\b(com(e|es|ing)|came) to rest\b/i, "finished or held"],
  [/\bma(d|k)es? good\b/i, "repaired, compensated"],
  [/\bthe house\b|\bhouse rules\b/i, "the project, the import rules"],
  [/\bundertaker\b|\bbur(y|ied|ying)\b|\bthe dead\b/i, "reclaim, dead workers"],
  [
    /\bso (many|much|long|often) (at|in|of|is|are|a|as a|seconds|milliseconds|bytes)\b/i,
    "a limit: at most, the maximum",
  ],
  [/, too(?=\s*([.,;:)]|$))/i, "also"],
  [/\bwish(es)?\b/i, "request"],
  [/\bmade up (for|later)\b/i, "backfilled, caught up"],
  [/\bby and by\b|\bbit by bit\b|\bnow and then\b/i, "in steps, from time to time"],
  [/\bdoors?\b/i, "entry point"],
];

/** The folders and files that are checked, from the root of the checkout. */
const CLEAN: readonly string[] = [
  "scripts",
  ...["src/domain", "src/image", "src/image-api", "src/outbound", "src/pipeline", "src/storage"],
  ...["test/domain", "test/image", "test/image-api", "test/outbound", "test/pipeline", "test/scripts", "test/storage"],
];

/** What is text here. Licences, lock files and migrations are not ours to word. */
const TEXT = /\.(ts|tsx|mjs|css|html|md|ya?ml)$|^\.env\.example$|^Dockerfile$/;
/** The words themselves stand in these two. */
const SKIPPED: readonly string[] = ["scripts/check-language.ts", "test/scripts/check-language.test.ts"];
const SKIPPED_FOLDERS: readonly string[] = [".git", "coverage", "data", "dist", "migrations", "node_modules"];

/** A line may use one of the words where it ends with this mark and a reason. */
const ALLOWED = /language: allowed, \S/;

/** Every hit, as `path:line: "word", write …`. `files` maps paths from the root of the checkout to their texts. */
export function checkLanguage(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, index) => findWords(line).map((hit) => `${path}:${index + 1}: ${hit}`)),
  );
}

function findWords(line: string): string[] {
  if (ALLOWED.test(line)) return [];
  return PATTERNS.flatMap(([pattern, better]) => {
    const word = pattern.exec(line)?.[0];
    return word === undefined ? [] : [`"${word}", write: ${better}`];
  });
}

/** The texts to check below `root`: those in `places`, or all where it is empty. */
export async function readTexts(root: string, places: readonly string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of await listFiles(root)) {
    const isChecked = places.length === 0 || places.some((place) => path === place || path.startsWith(`${place}/`));
    if (isChecked && TEXT.test(path) && !SKIPPED.includes(path))
      texts.set(path, await readFile(join(root, path), "utf8"));
  }
  return texts;
}

async function listFiles(root: string, folder = root): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) paths.push(relative(root, path).replaceAll("\\", "/"));
    else if (entry.isDirectory() && !SKIPPED_FOLDERS.includes(entry.name)) paths.push(...(await listFiles(root, path)));
  }
  return paths;
}

// `node scripts/check-language.ts src/cli docs` checks these instead of CLEAN, `.` checks everything
if (import.meta.main) {
  const given = process.argv.slice(2).map((place) => place.replace(/^\.\/|\/+$/g, ""));
  const places = given.includes(".") ? [] : given.length > 0 ? given : CLEAN;
  const texts = await readTexts(join(import.meta.dirname, ".."), places);
  const hits = checkLanguage(texts);
  for (const hit of hits) console.error(hit);
  console.error(`Language: ${texts.size} files, ${hits.length} faults`);
  process.exitCode = hits.length === 0 ? 0 : 1;
}
