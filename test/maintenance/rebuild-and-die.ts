// A process that rebuilds a catalog and kills itself: after so many readings of the store, or before the new catalog is swapped in.
import { join } from "node:path";
import { createInspector } from "../../src/image/inspect.ts";
import { installRebuilt, rebuildTo } from "../../src/maintenance/rebuild.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";

const [, , folder = "", readings = ""] = process.argv;
const die = () => process.kill(process.pid, "SIGKILL");
const store = createDirectoryStore({ root: join(folder, "archive") });
let left = Number(readings);
const parts = {
  store: {
    ...store,
    get: (...args: Parameters<typeof store.get>) => {
      if (left-- === 0) die();
      return store.get(...args);
    },
  },
  clock: { now: Date.now },
  inspect: createInspector(),
  file: join(folder, "catalog.db"),
  signal: new AbortController().signal,
  onProgress: () => undefined,
};
await rebuildTo(join(folder, "catalog.db.rebuilding"), parts);
die();
installRebuilt(join(folder, "catalog.db.rebuilding"), parts);
