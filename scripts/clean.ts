// Removes what an earlier build left, so that a file that is gone from src is gone from the package too.
import { rm } from "node:fs/promises";
import { join } from "node:path";

await rm(join(import.meta.dirname, "../dist"), { recursive: true, force: true });
