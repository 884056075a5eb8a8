// The baseline: call, then fetch, decode and put, one after the other. Reports how long it was from answer to confirmed put, in ms.
import { report } from "../cost.ts";
import { createBareParts } from "./bare-parts.ts";
import { toDelays } from "./delays.ts";

const { WARM_UP, COUNT } = process.env;
const { call, copy } = createBareParts(1);
const delays: number[] = [];
for (let done = 0; done < Number(WARM_UP) + Number(COUNT); done++) {
  const url = await call(`picture ${done}`);
  const answered = performance.now();
  await copy(url);
  delays.push(performance.now() - answered);
}
report(toDelays(delays.slice(Number(WARM_UP))));
process.disconnect();
