// How much of its slots a worker keeps busy when the API is slow, as it is: everything else must cost nearly nothing.
import type { Case, RowOf } from "../case.ts";
import { workerEnv } from "./worker-env.ts";

function rowOf(inFlight: number, atLeast: number): RowOf {
  const of = `at${inFlight}`;
  return {
    name: `utilisation, ${inFlight} in flight`,
    unit: "requests/s",
    ours: { of },
    baseline: { of, figure: "ideal" },
    limit: { atLeast },
  };
}

export const utilisation: Case = {
  name: "utilisation",
  about: "Requests archived per second, API latency 2 s ± 25 %, beside concurrency ÷ mean latency",
  rows: [rowOf(64, 0.98), rowOf(512, 0.95)],
  open: async (lab) => {
    const api = await lab.serve("api", { LATENCY_MS: "2000", JITTER: "0.25", IMAGE_BYTES: "10000" });
    const s3 = await lab.serve("s3");
    const at = (inFlight: number) => () =>
      lab.run("steady-worker", { ...workerEnv({ api, s3 }, { inFlight }), WINDOW_S: "20" });
    return { at64: at(64), at512: at(512) };
  },
};
