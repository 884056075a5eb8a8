// JSON Lines: the promised line for each image.
import type { FileFormat } from "./format.ts";

export const JSONL: FileFormat = {
  name: "jsonl",
  about: "a JSON document a line",
  to: "file",
  text: true,
  wants: { images: false, thumbnails: false },
  open: (sink) => ({
    add: ({ line }) => sink.write(`${JSON.stringify(line)}\n`),
    close: async () => undefined,
  }),
};
