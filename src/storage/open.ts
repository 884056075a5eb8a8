// Opens the store of the settings. The caller closes it.
import type { ProxySettings } from "../outbound/proxy.ts";
import { createDirectoryStore } from "./directory.ts";
import type { ProbedStore } from "./probe.ts";
import { createS3Store } from "./s3.ts";

/** From STORAGE_URL and S3_FORCE_PATH_STYLE. `maxSockets` should be at least the number of jobs in flight. */
export type StoreSettings =
  | { kind: "directory"; path: string }
  | {
      kind: "s3";
      bucket: string;
      prefix: string;
      forcePathStyle: boolean;
      maxSockets?: number;
      proxy?: ProxySettings | undefined;
    };

/** Opens a store. It accesses neither disk nor network before its first use. */
export function openStore(settings: StoreSettings): ProbedStore {
  if (settings.kind === "directory") return createDirectoryStore({ root: settings.path });
  const { kind: _, ...options } = settings;
  return createS3Store(options);
}
