// The second stage alone: images of 2 MiB from their URLs into S3, beside a loop that does nothing else.
import type { Case } from "../case.ts";
import { workerEnv } from "./worker-env.ts";

const MIB = 1024 * 1024;

export const copyRate: Case = {
  name: "copy-rate",
  about: "Download, checks, put and record of 2 MiB PNGs, 16 at once, beside a bare loop of fetch, decode and put",
  rows: [{ name: "copy rate, 2 MiB", unit: "images/s", limit: { atLeast: 0.85 } }],
  open: async (lab) => {
    const servers = { api: await lab.serve("api", { IMAGE_BYTES: String(2 * MIB) }), s3: await lab.serve("s3") };
    const env = { ...workerEnv(servers, { inFlight: 16 }), WARM_UP: "40", COUNT: "200" };
    return { ours: () => lab.run("archive-worker", env), baseline: () => lab.run("bare-copy", env) };
  },
};
