// Builds packages/client/dist: the client as one bundle that needs no other package, and the types that it shows. Runs after
// tsc, whose declarations it takes from dist.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, "packages/client/dist");

/** Optional peers: only the form that speaks to Redis loads them. */
const PEERS = ["bullmq", "ioredis"];

async function bundle(): Promise<void> {
  await build({
    entryPoints: [join(ROOT, "src/client.ts")],
    outdir: OUT,
    bundle: true,
    // each way, HTTP or Redis, is loaded when it is taken
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: PEERS,
    minifySyntax: true,
    chunkNames: "[name]-[hash]",
    logLevel: "warning",
  });
}

/** What another file is named in: a statement, or a type in the middle of one. */
const IMPORTED = /(?:^(?:import|export)\b[^;"]*\bfrom\s*|\bimport\(\s*)"([^"]+)"/gm;

/** The declarations that client.d.ts leads to, and no others. Throws where one of them needs a package. */
async function copyTypes(path: string, copied = new Set<string>()): Promise<void> {
  if (copied.has(path)) return;
  copied.add(path);
  const text = await readFile(path, "utf8");
  const target = join(OUT, "types", relative(join(ROOT, "dist"), path));
  await mkdir(dirname(target), { recursive: true });
  // every compiler finds "./x.d.ts" by "./x.js"
  await writeFile(
    target,
    text.replace(IMPORTED, (found) => found.replace(/\.ts"$/, '.js"')),
  );
  for (const [, from = ""] of text.matchAll(IMPORTED)) {
    if (!from.startsWith("."))
      throw new Error(`${relative(ROOT, path)} needs ${from}: the client's types need no package`);
    await copyTypes(join(dirname(path), from.replace(/\.[jt]s$/, ".d.ts")), copied);
  }
}

await rm(OUT, { recursive: true, force: true });
await bundle();
await copyTypes(join(ROOT, "dist/client.d.ts"));
await copyFile(join(ROOT, "node_modules/zod/LICENSE"), join(OUT, "zod.LICENSE"));
