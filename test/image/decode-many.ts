// Inspects one file many times at once, in a process of its own whose memory can be measured: prints the growth of the
// peak in MiB, and how each inspection ended.
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { createInspector } from "../../src/image/inspect.ts";
import { readThumbnail } from "../../src/image/read-thumbnail.ts";

const [file = "", times = "8"] = process.argv.slice(2);
const bytes = readFileSync(file);
const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#123" } })
  .png()
  .toBuffer();
await createInspector()(small);
const before = process.resourceUsage().maxRSS;
const store = { get: async (key: string) => (key.startsWith("images/") ? bytes : undefined) };
// inspectors of their own, as the parts of a process have them
const ends = await Promise.all(
  Array.from({ length: Number(times) }, async (_, at) => {
    if (at % 2 === 0) return (await readThumbnail({ store }, { digest: "d", key: "images/d" })) ? "made" : "refused";
    return createInspector()(bytes).then(
      () => "made",
      (error) => error.code,
    );
  }),
);
process.stdout.write(
  JSON.stringify({ mib: (process.resourceUsage().maxRSS - before) / 1024, ends: [...new Set(ends)] }),
);
