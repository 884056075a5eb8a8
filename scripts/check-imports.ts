// The rules that a machine can check: which file may import what, and how long a file may be. The tables are the rules.
// A pure function over paths and texts, and the command that runs it on this checkout. No package is needed for it.
import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative } from "node:path";

/** Each foreign package is imported in one folder only. src may not import a package that is not listed here. */
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
  "p-limit": ["image"],
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
  // schemas are needed wherever data comes in
  zod: ["*"],
};

/** Packages that one file loads; the reason is in that file. Their types may be imported anywhere in their home. */
const LOADED_BY: Record<string, string> = { "drizzle-orm": "src/catalog/db/orm.ts" };

/**
 * Imports go one way: a file imports from its own unit and from units in the rows above. Units of one row do not import each
 * other. A unit is a folder or a file below src; a file belongs to the longest name that matches.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["domain"],
  [
    "app/private-redis-file.ts",
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
  // above the adapters: they receive options and a log, and do not import settings
  ["app/installation.ts"],
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

/** The maximum number of folders at the top of src, and the files allowed beside them. */
const MAX_FOLDERS = 17;
const LOOSE_FILES: readonly string[] = ["client.ts"];

/** Who may import src/dev, the stand-ins for the outside world: demo commands, never production code. */
const DEV_USERS: readonly string[] = [
  "dev",
  "cli/commands/demo.ts",
  "cli/commands/sandbox.ts",
  "cli/commands/up.ts",
  "cli/demo",
  "cli/up",
];

/** Units without I/O. They may import other pure units and these modules. */
const PURE_UNITS: readonly string[] = ["domain", "pipeline"];
const PURE_MAY_IMPORT: readonly string[] = ["zod", "node:crypto", "node:net"];

/** The only reader of the environment. */
const ENVIRONMENT_READER = "src/app/settings.ts";

/** The public entry of the package may re-export; anywhere else in src that would be a barrel. */
const MAY_REEXPORT: readonly string[] = ["src/client.ts"];

/** Lines per file. */
const MAX_LINES = { src: 400, scripts: 400, test: 400 };

const ROOTS = Object.keys(MAX_LINES) as (keyof typeof MAX_LINES)[];

interface Import {
  from: string;
  typeOnly: boolean;
  reexport: boolean;
}

/** Every fault, as `path: what is wrong`. `files` maps paths from the root of the checkout (`src/…`) to their texts. */
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

function topFaults(paths: readonly string[]): string[] {
  const names = paths.filter(isSource).map((path) => path.slice("src/".length));
  const folders = new Set(names.filter((name) => name.includes("/")).map((name) => name.split("/")[0]));
  const loose = names.filter((name) => !name.includes("/") && !LOOSE_FILES.includes(name));
  return [
    ...(folders.size > MAX_FOLDERS ? [`src: has ${folders.size} folders, expected at most ${MAX_FOLDERS}`] : []),
    ...loose.map((name) => `src/${name}: is at the top of src, expected in one of its folders`),
  ];
}

function formFaults(path: string, file: { text: string; code: string; imports: readonly Import[] }): string[] {
  const faults: string[] = [];
  const root = path.split("/")[0] as keyof typeof MAX_LINES;
  const lines = file.text.split("\n").length - 1;
  if (lines > MAX_LINES[root]) faults.push(`has ${lines} lines, expected at most ${MAX_LINES[root]}`);
  if (/^\s*export\s+default\b/m.test(file.code)) faults.push("has a default export, expected named exports");
  if (!isSource(path)) return faults;
  if (!/^(#!.*\n)?\/[/*]/.test(file.text)) faults.push("does not open with a comment on what lives here");
  if (path !== ENVIRONMENT_READER && readsEnvironment(file.code)) {
    faults.push(`reads the environment, which only ${ENVIRONMENT_READER} may`);
  }
  if (file.imports.some(({ reexport }) => reexport) && !MAY_REEXPORT.includes(path)) {
    faults.push("re-exports from another file, expected users to import from that file");
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
    return [`src/${unit} is in no layer, expected a row in LAYERS in scripts/check-imports.ts`];
  const allowed = imports.map(({ from, typeOnly }) => {
    if (from.startsWith(".")) return ownFault(path, resolveFrom(path, from));
    // types of Node's own modules do no I/O
    if (from.startsWith("node:") && typeOnly) return undefined;
    return foreignFault(path, from) ?? (typeOnly ? undefined : loadFault(path, from));
  });
  return allowed.filter((fault) => fault !== undefined);
}

function ownFault(path: string, target: string): string | undefined {
  if (!isSource(target)) return `cannot import ${target}, which is outside src`;
  const [unit, other] = [unitOf(path), unitOf(target)];
  if (other === "dev" && !DEV_USERS.some((user) => isBelow(path, user)))
    return `cannot import ${target}: only demo commands may, see DEV_USERS`;
  if (other === unit || layerOf(other) < layerOf(unit)) return undefined;
  return `cannot import ${target}: src/${other} is not in a layer above src/${unit}`;
}

function foreignFault(path: string, name: string): string | undefined {
  const unit = unitOf(path);
  if (PURE_UNITS.includes(unit) && !PURE_MAY_IMPORT.includes(name)) return `cannot import ${name}: src/${unit} is pure`;
  if (name.startsWith("node:")) return undefined;
  const homes = PACKAGE_HOMES[packageOf(name)];
  if (homes === undefined)
    return `cannot import ${name}, which is not listed in PACKAGE_HOMES in scripts/check-imports.ts`;
  if (homes.includes("*") || homes.some((home) => isBelow(path, home))) return undefined;
  return `cannot import ${name}: its home is ${homes.map((home) => `src/${home}`).join(" or ")}`;
}

function loadFault(path: string, name: string): string | undefined {
  const loader = LOADED_BY[packageOf(name)];
  if (loader === undefined || loader === path) return undefined;
  return `cannot load ${name}: only ${loader} may, and other files use what it exports`;
}

/** "@aws-sdk/client-s3" belongs to "@aws-sdk", "drizzle-orm/sqlite-core" to "drizzle-orm". */
function packageOf(name: string): string {
  return name.split("/")[0] ?? name;
}

/** The longest unit that contains this file; without one, the folder or file directly below src. */
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

// Strings are matched first and kept, so that "https://…" does not count as a comment.
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

/** Depth-first; each cycle is reported once, from the file where the walk entered it. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const entered = way.indexOf(path);
    if (entered !== -1) cycles.push(`${path}: imports itself via ${[...way.slice(entered + 1), path].join(" → ")}`);
    if (entered !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return cycles;
}

/** The checkout's TypeScript files, as `checkTree` takes them. */
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
