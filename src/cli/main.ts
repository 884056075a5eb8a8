#!/usr/bin/env node
// The program's entry. It looks at the version of Node first, so that an old one ends in a sentence and not in a crash.
const WANTED_NODE = 24;

if (Number(process.versions.node.split(".")[0]) < WANTED_NODE) {
  process.stderr.write(
    `asset-archiver needs Node ${WANTED_NODE} or newer; this is ${process.version} (https://nodejs.org)\n`,
  );
  process.exitCode = 2;
} else {
  await keepCompiledCode();
  const { runProgram } = await import("./program.ts");
  process.exitCode = await runProgram(process.argv.slice(2));
}

/**
 * Compiled code is kept for the next start: it halves the time until a command begins. In the user's own folder: Node's default
 * lies under /tmp, where anybody can make it first and put code there that we would run.
 */
async function keepCompiledCode(): Promise<void> {
  const [{ enableCompileCache }, { homedir }, { join }, { makeFolderSync }] = await Promise.all([
    import("node:module"),
    import("node:os"),
    import("node:path"),
    import("../storage/make-folder.ts"),
  ]);
  try {
    const folder = join(homedir(), ".cache", "asset-archiver");
    makeFolderSync(folder);
    enableCompileCache(folder);
  } catch {
    // a home that cannot be written, as in a container: a start takes longer
  }
}

export {};
