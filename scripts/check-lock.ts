// Every package in package-lock.json is pinned to its content: `npm ci` verifies what it downloads against `integrity`, and
// without one it takes whatever comes. A pure function over the lock, and the command that runs it on this checkout.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

interface LockEntry {
  version?: string;
  integrity?: string;
  /** Leads to a folder of this checkout, which has an entry under its own path. */
  link?: boolean;
  /** Comes inside another package's archive. */
  inBundle?: boolean;
}

/** SHA-512, in base64: 64 bytes. */
const INTEGRITY = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** The packages whose content is not pinned. `lock` is a parsed package-lock.json. */
export function findUnpinned(lock: { packages: Record<string, LockEntry> }): string[] {
  return Object.entries(lock.packages)
    .filter(([path, { link, inBundle }]) => path.includes("node_modules/") && link !== true && inBundle !== true)
    .filter(([, { integrity }]) => !INTEGRITY.test(integrity ?? ""))
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`);
}

if (import.meta.main) {
  const lock = await readFile(join(import.meta.dirname, "../package-lock.json"), "utf8");
  const unpinned = findUnpinned(JSON.parse(lock) as Parameters<typeof findUnpinned>[0]);
  for (const name of unpinned)
    console.error(`package-lock.json: ${name} has no integrity (npm view ${name} dist.integrity prints it)`);
  process.exitCode = unpinned.length === 0 ? 0 : 1;
}
