// How long a paid image is at risk: from the API's answer to the recorded asset, one request at a time.
import type { Case } from "../case.ts";
import { workerEnv } from "./worker-env.ts";

const MIB = 1024 * 1024;

export const copyDelay: Case = {
  name: "copy-delay",
  about: "From the API's answer to the recorded asset, 2 MiB, one request at a time, beside bare fetch, decode and put",
  rows: [
    { name: "answer to asset, median", unit: "ms", limit: { atMost: 1.3 } },
    {
      name: "answer to asset, p99",
      unit: "ms",
      ours: { figure: "p99Ms" },
      baseline: { figure: "p99Ms" },
      limit: { atMost: 2 },
    },
  ],
  open: async (lab) => {
    const api = await lab.serve("api", { IMAGE_BYTES: String(2 * MIB), LATENCY_MS: "100" });
    const env = { ...workerEnv({ api, s3: await lab.serve("s3") }, { inFlight: 1 }), WARM_UP: "20", COUNT: "150" };
    return { ours: () => lab.run("one-at-a-time", env), baseline: () => lab.run("bare-one-at-a-time", env) };
  },
};
