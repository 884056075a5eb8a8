// Ends with one line on a Node that is too old, where our sources would end in a syntax error and better-sqlite3 in a crash.
// Plain JavaScript that Node 14 can read: no newer syntax here.
import { existsSync } from "node:fs";

const WANTED_MAJOR = 24;

/** Whether the Node that runs this is new enough. */
export function isNodeNewEnough() {
  return Number(process.versions.node.split(".")[0]) >= WANTED_MAJOR;
}

/** Prints what is wanted and how to get it, and ends with exit code 2. */
export function refuseOldNode() {
  // only a checkout brings one: what is published never puts a node into somebody's project
  const isCheckout = existsSync(new URL("../package-lock.json", import.meta.url));
  const brought = isCheckout ? ", or use npm (npm ci, then npm run …), which brings one along on Linux" : "";
  console.error(
    `asset-archiver needs Node ${WANTED_MAJOR} or newer, and this is Node ${process.versions.node}: install it from https://nodejs.org${brought}`,
  );
  process.exit(2);
}

// `node bin/need-node.mjs && …` in the npm scripts
if (process.argv[1]?.endsWith("need-node.mjs") && !isNodeNewEnough()) refuseOldNode();
