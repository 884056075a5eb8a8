// The rules that a machine can see: who may import what, and how long a file may be. The tables are the rules.
// A pure function over paths and texts, and the command that runs it on this checkout. No package is needed for it.
import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative } from "node:path";

/** Each foreign package lives in one folder. A package that is not named here may not be imported by src at all. */
const PACKAGE_HOMES: Record<string, readonly string[]> = {
  bullmq: ["queue"],
  ioredis: ["queue"],
  "drizzle-orm": ["catalog"],
  "better-sqlite3": ["catalog"],
  "@aws-sdk": ["storage"],
  "@smithy": ["storage"],
  undici: ["outbound"],
  "ipaddr.js": ["outbound"],
  sharp: ["image"],
  commander: ["cli"],
  pino: ["app/log.ts", "cli"],
  "pino-pretty": ["app/log.ts", "cli"],
  standardwebhooks: ["webhooks"],
  "csv-parse": ["batches/manifest"],
  yaml: ["batches/manifest"],
  "hyparquet-writer": ["output"],
  "client-zip": ["output"],
  hono: ["server"],
  "@hono": ["server"],
  "prom-client": ["server"],
  // the schema library stands at every border
  zod: ["*"],
};

/** Packages that one file loads, for a reason that stands there. Their types may be imported from all of their home. */
const LOADED_BY: Record<string, string> = { "drizzle-orm": "src/catalog/db/orm.ts" };

/**
 * Data goes one way: a file imports from its own unit and from layers above its own row. Units of one row don't meet. A unit
 * is a folder or a file below src; a file belongs to the longest name that fits.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["domain"],
  [
    "app/thread.ts",
    "app/version.ts",
    "storage/anonymous-temp-file.ts",
    "storage/make-folder.ts",
    "storage/private-files.ts",
  ],
  ["pipeline"],
  ["outbound"],
  ["batches/manifest", "catalog", "dev", "image", "image-api", "output", "queue", "storage"],
  ["client", "webhooks"],
  ["client.ts"],
  // above the adapters, which are handed options and a log, and know no settings
  ["app/env-file.ts", "app/setting-grammar.ts", "app/setting-names.ts"],
  ["app/clock.ts", "app/completion-watch.ts", "app/outages.ts", "app/settings.ts", "app/workers-view.ts"],
  ["app/url-signing.ts"],
  ["app/activity.ts", "app/asset-links.ts", "app/log.ts", "app/settings-view.ts"],
  ["app/app.ts"],
  ["batches/manifest/open.ts", "batches/run"],
  ["webhooks/batch-webhook.ts"],
  ["maintenance"],
  ["app/status.ts", "app/submit.ts", "batches/plan", "maintenance/loop.ts", "webhooks/stage.ts"],
  ["app/wait-reasons.ts", "batches/schedule", "maintenance/reproduce"],
  ["app/request-actions.ts", "app/retry-many.ts"],
  ["app/worker.ts"],
  ["server"],
  ["cli"],
];

/** At most this many folders at the top of src, and these files beside them. */
const MAX_FOLDERS = 17;
const LOOSE_FILES: readonly string[] = ["client.ts"];

/** The stand-ins for the outside world: used by the commands that show and try, by nothing that works. */
const DEV_USERS: readonly string[] = [
  "dev",
  "cli/commands/demo.ts",
  "cli/commands/sandbox.ts",
  "cli/commands/up.ts",
  "cli/demo",
  "cli/up",
];

/** Units that compute only. Besides other pure units they may import this much. */
const PURE_UNITS: readonly string[] = ["domain", "pipeline"];
const PURE_MAY_IMPORT: readonly string[] = ["zod", "node:crypto", "node:net"];

/** The only reader of the environment. */
const ENVIRONMENT_READER = "src/app/settings.ts";

/** The package's own face may re-export; inside src that would be a barrel. */
const MAY_REEXPORT: readonly string[] = ["src/client.ts"];

/** A test may be longer than what it tests: its rows are data. */
const MAX_LINES = { src: 400, scripts: 400, test: 400 };

const ROOTS = Object.keys(MAX_LINES) as (keyof typeof MAX_LINES)[];

interface Import {
  from: string;
  typeOnly: boolean;
  reexport: boolean;
}

/** Every breach, as "path: what is wrong". `files` maps paths from the root of the checkout ("src/…") to their texts. */
export function checkTree(files: ReadonlyMap<string, string>): string[] {
  const graph = new Map<string, string[]>();
  const faults: string[] = [];
  for (const [path, text] of files) {
    const code = withoutComments(text);
    const imports = findImports(code);
    const found = [
      ...formFaults(path, { text, code, imports }),
      ...(isSource(path) ? importFaults(path, imports) : []),
    ];
    faults.push(...found.map((fault) => `${path}: ${fault}`));
    graph.set(
      path,
      imports.filter(({ from }) => from.startsWith(".")).map(({ from }) => resolveFrom(path, from)),
    );
  }
  return [...faults, ...topFaults([...files.keys()]), ...findCycles(graph)];
}

/** What a newcomer meets first stays countable. */
function topFaults(paths: readonly string[]): string[] {
  const names = paths.filter(isSource).map((path) => path.slice("src/".length));
  const folders = new Set(names.filter((name) => name.includes("/")).map((name) => name.split("/")[0]));
  const loose = names.filter((name) => !name.includes("/") && !LOOSE_FILES.includes(name));
  return [
    ...(folders.size > MAX_FOLDERS ? [`src: has ${folders.size} folders, expected at most ${MAX_FOLDERS}`] : []),
    ...loose.map((name) => `src/${name}: lies beside the folders of src, expected in one of them`),
  ];
}

function formFaults(path: string, file: { text: string; code: string; imports: readonly Import[] }): string[] {
  const faults: string[] = [];
  const root = path.split("/")[0] as keyof typeof MAX_LINES;
  const lines = file.text.split("\n").length - 1;
  if (lines > MAX_LINES[root]) faults.push(`has ${lines} lines, wanted at most ${MAX_LINES[root]}`);
  if (/^\s*export\s+default\b/m.test(file.code)) faults.push("has a default export, wanted names");
  if (!isSource(path)) return faults;
  if (!/^(#!.*\n)?\/[/*]/.test(file.text)) faults.push("does not open with a comment on what lives here");
  if (path !== ENVIRONMENT_READER && readsEnvironment(file.code)) {
    faults.push(`reads the environment, which only ${ENVIRONMENT_READER} may`);
  }
  if (file.imports.some(({ reexport }) => reexport) && !MAY_REEXPORT.includes(path)) {
    faults.push("re-exports what lives elsewhere, wanted an import from where it lives");
  }
  return faults;
}

function readsEnvironment(code: string): boolean {
  return /\bprocess\s*\.\s*env\b|\bprocess\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(code) || importsEnv(code);
}

function importsEnv(code: string): boolean {
  return /import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*"node:process"/.test(code);
}

function importFaults(path: string, imports: readonly Import[]): string[] {
  const unit = unitOf(path);
  if (!LAYERS.flat().includes(unit))
    return [`src/${unit} stands in no layer, wanted a place in scripts/check-imports.ts`];
  const allowed = imports.map(({ from, typeOnly }) => {
    if (from.startsWith(".")) return ownFault(path, resolveFrom(path, from));
    // the types of what Node brings do nothing
    if (from.startsWith("node:") && typeOnly) return undefined;
    return foreignFault(path, from) ?? (typeOnly ? undefined : loadFault(path, from));
  });
  return allowed.filter((fault) => fault !== undefined);
}

function ownFault(path: string, target: string): string | undefined {
  if (!isSource(target)) return `cannot import ${target}, which is outside src`;
  const [unit, other] = [unitOf(path), unitOf(target)];
  if (other === "dev" && !DEV_USERS.some((user) => isBelow(path, user)))
    return `cannot import ${target}: only the commands that show and try may, see DEV_USERS`;
  if (other === unit || layerOf(other) < layerOf(unit)) return undefined;
  return `cannot import ${target}: src/${other} is not below src/${unit}`;
}

function foreignFault(path: string, name: string): string | undefined {
  const unit = unitOf(path);
  if (PURE_UNITS.includes(unit) && !PURE_MAY_IMPORT.includes(name)) return `cannot import ${name}: src/${unit} is pure`;
  if (name.startsWith("node:")) return undefined;
  const homes = PACKAGE_HOMES[packageOf(name)];
  if (homes === undefined) return `cannot import ${name}, which has no home in scripts/check-imports.ts`;
  if (homes.includes("*") || homes.some((home) => isBelow(path, home))) return undefined;
  return `cannot import ${name}: its home is ${homes.map((home) => `src/${home}`).join(" or ")}`;
}

function loadFault(path: string, name: string): string | undefined {
  const loader = LOADED_BY[packageOf(name)];
  if (loader === undefined || loader === path) return undefined;
  return `cannot load ${name}: only ${loader} does, and hands out its parts`;
}

/** "@aws-sdk/client-s3" belongs to "@aws-sdk", "drizzle-orm/sqlite-core" to "drizzle-orm". */
function packageOf(name: string): string {
  return name.split("/")[0] ?? name;
}

/** The longest unit that holds this file; where there is none, the folder or file right below src. */
function unitOf(path: string): string {
  const fitting = LAYERS.flat().filter((unit) => isBelow(path, unit));
  return fitting.toSorted((a, b) => b.length - a.length)[0] ?? path.split("/")[1] ?? path;
}

/** Whether a path from the root of the checkout is this file or folder below src, or lies in it. */
function isBelow(path: string, place: string): boolean {
  return path === `src/${place}` || path.startsWith(`src/${place}/`);
}

function layerOf(unit: string): number {
  return LAYERS.findIndex((units) => units.includes(unit));
}

function isSource(path: string): boolean {
  return path.startsWith("src/");
}

function resolveFrom(path: string, from: string): string {
  return posix.normalize(posix.join(posix.dirname(path), from));
}

// Strings are matched first, so that "https://…" is no comment; they are kept.
const STRING_OR_COMMENT = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_, string: string | undefined) => string ?? "");
}

function findImports(code: string): Import[] {
  const statements = code.matchAll(/^\s*(import|export)\b(?:[^"';=]*?\bfrom)?\s*"([^"]+)"/gm);
  const calls = code.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [
    ...[...statements].map((match) => ({
      from: match[2] ?? "",
      typeOnly: /^\s*import\s+type\b/.test(match[0]),
      reexport: match[1] === "export",
    })),
    ...[...calls].map((match) => ({ from: match[1] ?? "", typeOnly: false, reexport: false })),
  ];
}

/** Depth-first; each ring of files is told once, from the file where the walk came in. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const entered = way.indexOf(path);
    if (entered !== -1)
      cycles.push(`${path}: imports itself by way of ${[...way.slice(entered + 1), path].join(" → ")}`);
    if (entered !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return cycles;
}

/** The checkout's TypeScript files, as `checkTree` wants them. */
export async function readTree(root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of ROOTS) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))) {
      const path = join(entry.parentPath, entry.name);
      files.set(relative(root, path).replaceAll("\\", "/"), await readFile(path, "utf8"));
    }
  }
  return files;
}

if (import.meta.main) {
  const files = await readTree(join(import.meta.dirname, ".."));
  const faults = checkTree(files);
  for (const fault of faults) console.error(fault);
  console.error(`Import rules: ${files.size} files, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
