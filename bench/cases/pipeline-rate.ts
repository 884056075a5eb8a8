// From the queue to archived and recorded, with an API that answers at once: what we cost beside the plainest script.
import type { Case } from "../case.ts";

export const pipelineRate: Case = {
  name: "pipeline-rate",
  about: "Queue to archived and recorded, API latency 0, 20 KB images, beside a minimal script with the same queues",
  rows: [{ name: "pipeline rate", unit: "requests/s", limit: { atLeast: 0.7 } }],
  open: async (lab) => {
    const api = await lab.serve("api", { IMAGE_BYTES: "20000" });
    const s3 = await lab.serve("s3");
    const env = {
      WARM_UP: "500",
      COUNT: "2000",
      GENERATE_CONCURRENCY: "32",
      ARCHIVE_CONCURRENCY: "32",
      IMAGE_API_KEY: "bench",
      IMAGE_API_BASE_URL: `http://127.0.0.1:${api}/v1`,
      PRIVATE_IMAGE_HOSTS: "127.0.0.1",
      STORAGE_URL: "s3://bench",
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3}`,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
    };
    return { ours: () => lab.run("worker", env), baseline: () => lab.run("bare-pipeline", env) };
  },
};
