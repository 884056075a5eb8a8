// Loads sharp at first use and configures it once per process: it takes 100 ms, which commands without images should not pay.
import type sharp from "sharp";
import { ConfigError, toMessage } from "../domain/errors.ts";

let loading: Promise<typeof sharp> | undefined;

/** Without its own parallelism and cache, which would defeat our limits. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import("sharp").then(({ default: loaded }) => {
    loaded.concurrency(1);
    loaded.cache(false);
    return loaded;
  }, refuse);
  return loading;
}

// an installation without its binary must not count every image as broken
function refuse(cause: unknown): never {
  throw new ConfigError(`Cannot load the image decoder: ${toMessage(cause).split("\n")[0]}; run npm ci`, {
    code: "decoder_missing",
    cause,
  });
}
