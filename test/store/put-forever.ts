// Puts large objects until it is killed; for the test that kills it. Prints a line before each put.
import { randomBytes } from "node:crypto";
import { createDirectoryStore } from "../../src/store/directory.ts";
import { putOptions } from "./put-options.ts";

const store = createDirectoryStore({ root: process.argv[2] ?? "" });
for (;;) {
  const bytes = randomBytes(16 * 1024 * 1024);
  const options = putOptions(bytes);
  process.stdout.write("putting\n");
  await store.put(`images/${options.digest}`, bytes, options);
}
