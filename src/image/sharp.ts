// Loads sharp at first use and configures it once per process: it takes 100 ms, which commands without images should not pay.
import type sharp from "sharp";

let loading: Promise<typeof sharp> | undefined;

/** Without its own parallelism and cache, which would defeat our limits. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import("sharp").then(({ default: loaded }) => {
    loaded.concurrency(1);
    loaded.cache(false);
    return loaded;
  });
  return loading;
}
