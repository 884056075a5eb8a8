// Puts one large object in a process of its own. With "die" it kills itself while some file below the root is half written.
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { putOptions } from "./put-options.ts";

const [root = "", mode] = process.argv.slice(2);
const bytes = randomBytes(32 * 1024 * 1024);
if (mode === "die") dieHalfWay();
await createDirectoryStore({ root }).put("images/large.png", bytes, putOptions(bytes));

function dieHalfWay(): void {
  if (sizesBelow(root).some((size) => size > 0 && size < bytes.length)) process.kill(process.pid, "SIGKILL");
  setImmediate(dieHalfWay);
}

function sizesBelow(folder: string): number[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => statSync(join(entry.parentPath, entry.name)).size);
  } catch {
    // a folder that is not there yet, or a file that was renamed meanwhile
    return [];
  }
}
