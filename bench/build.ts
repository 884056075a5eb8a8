// The package as users have it: built once for all cases that measure what they start.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..");
let building: Promise<string> | undefined;

/** Builds `dist` as `npm run build` does, once; resolves to its path. */
export function buildPackage(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  await promisify(execFile)("npm", ["run", "build"], { cwd: ROOT });
  return join(ROOT, "dist");
}
