// The load: so many connections, each posting the next request when the last is answered. Reports answers per second,
// counted after a second of warming up, and the times that they took.
import autocannon from "autocannon";
import { report } from "../cost.ts";
import { requestOf } from "../manifest.ts";

const { URL = "", CONNECTIONS = "1", SECONDS = "1" } = process.env;
// without an id each is a request of its own
const { request_id: _, seed: _seed, ...body } = requestOf(1);
let refusal = "";

async function post(duration: number): Promise<autocannon.Result> {
  const load = autocannon({
    url: URL,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    connections: Number(CONNECTIONS),
    duration,
    setupClient: (client) => {
      client.on("body", (answer) => {
        if (refusal === "" && answer.includes('"error":{')) refusal = answer.toString().slice(0, 500);
      });
    },
  });
  return await load;
}

await post(1);
const { "2xx": accepted, non2xx, errors, duration, latency } = await post(Number(SECONDS));
if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} answers other than 2xx, ${errors} errors: ${refusal}`);
report({ value: accepted / duration, p50Ms: latency.p50, p99Ms: latency.p99 });
process.disconnect();
