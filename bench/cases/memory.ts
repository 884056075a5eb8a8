// What a worker holds: large images by the dozen, and small ones by the thousand.
import type { Case } from "../case.ts";
import { workerEnv } from "./worker-env.ts";

const MIB = 1024 * 1024;

export const memory: Case = {
  name: "memory",
  about: "Peak memory of a worker with 64 archive jobs of 8 MiB images in hand",
  rows: [
    {
      name: "memory, 64 × 8 MiB",
      unit: "MiB peak RSS",
      ours: { figure: "peakRssMib" },
      baseline: "none",
      limit: { atMost: 600 },
    },
  ],
  open: async (lab) => {
    const servers = { api: await lab.serve("api", { IMAGE_BYTES: String(8 * MIB) }), s3: await lab.serve("s3") };
    const env = { ...workerEnv(servers, { inFlight: 64 }), WARM_UP: "64", COUNT: "192" };
    return { ours: () => lab.run("archive-worker", env) };
  },
};

export const memoryOverTime: Case = {
  name: "memory-over-time",
  about: "Memory after 20,000 requests beside memory after 5,000, both after a collection",
  rows: [
    {
      name: "memory, 20,000 jobs",
      unit: "MiB RSS",
      ours: { figure: "rssMibLate" },
      baseline: { of: "ours", figure: "rssMibEarly" },
      limit: { atMost: 1.1 },
    },
    {
      name: "heap, 20,000 jobs",
      unit: "MiB used",
      ours: { figure: "heapMibLate" },
      baseline: { of: "ours", figure: "heapMibEarly" },
      limit: { atMost: 1.1 },
    },
  ],
  fewerRounds: { rounds: 1, why: "since a round takes minutes" },
  open: async (lab) => {
    const servers = { api: await lab.serve("api", { IMAGE_BYTES: "10000" }), s3: await lab.serve("s3") };
    const env = { ...workerEnv(servers, { inFlight: 64 }), EARLY: "5000", LATE: "20000" };
    return { ours: () => lab.run("long-worker", env) };
  },
};
