// From the queue to archived and recorded, with an API that answers at once: what we cost beside the plainest script.
import type { Case } from "../case.ts";
import { workerEnv } from "./worker-env.ts";

export const pipelineRate: Case = {
  name: "pipeline-rate",
  about: "Queue to archived and recorded, API latency 0, 20 KB images, beside a minimal script with the same queues",
  rows: [{ name: "pipeline rate", unit: "requests/s", limit: { atLeast: 0.7 } }],
  open: async (lab) => {
    const servers = { api: await lab.serve("api", { IMAGE_BYTES: "20000" }), s3: await lab.serve("s3") };
    const env = { ...workerEnv(servers, { inFlight: 32 }), WARM_UP: "500", COUNT: "2000" };
    return { ours: () => lab.run("worker", env), baseline: () => lab.run("bare-pipeline", env) };
  },
};
