// sharp, loaded at first use and set up once for the process: it costs 100 ms, which commands that see no image should not pay.
import type sharp from "sharp";

let loading: Promise<typeof sharp> | undefined;

/** Its own parallelism and cache are off: they would fight our bound on work in hand. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import("sharp").then(({ default: loaded }) => {
    loaded.concurrency(1);
    loaded.cache(false);
    return loaded;
  });
  return loading;
}
