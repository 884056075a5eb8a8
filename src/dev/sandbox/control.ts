// The control address of a running sandbox, for other processes on this machine: see and set switches, read the bill.
//   GET /sandbox          switches and the bill's totals
//   PATCH /sandbox        sets the switches in the body
//   GET /sandbox/bill     totals and every call
//   DELETE /sandbox/bill  starts the bill anew
import { RejectedError } from "../../domain/errors.ts";
import { isLoopback } from "../../domain/loopback.ts";
import { type Exchange, parseJson, readBody, sendJson } from "./http.ts";
import { invalidParameter, type Refusal, refuse, toErrorBody } from "./refusal.ts";
import type { Setup } from "./setup.ts";
import { parseSwitches, type Switches } from "./switches.ts";

const BODY_MAX_BYTES = 64 * 1024;
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** Answers one exchange with the control address. */
export async function handleControl(
  exchange: Exchange,
  setup: Setup,
  configure: (changes: Partial<Switches>) => void,
): Promise<void> {
  const { req, res, url } = exchange;
  const fail = (refusal: Refusal) =>
    sendJson(res, refusal.status, toErrorBody(refusal, String(res.getHeader("x-request-id"))));
  // a sandbox that listens to a network must not let strangers change it
  if (!LOOPBACK.test(req.socket.remoteAddress ?? "")) return fail(refuse(403, "Only from this machine"));
  // nor a web page whose name was made to resolve to this machine (DNS rebinding): it cannot hide the name it calls
  const called = URL.parse(`http://${req.headers.host}`)?.hostname ?? "";
  if (!isLoopback(called)) return fail(refuse(403, "Only by a loopback name, such as localhost"));
  const overview = () => ({ switches: setup.switches(), bill: setup.bill.totals() });
  switch (`${req.method} ${url.pathname}`) {
    case "GET /sandbox":
      return sendJson(res, 200, overview());
    case "GET /sandbox/bill":
      return sendJson(res, 200, setup.bill.snapshot());
    case "DELETE /sandbox/bill":
      setup.bill.clear();
      return sendJson(res, 200, setup.bill.totals());
    case "PATCH /sandbox": {
      const refusal = applyChanges(await readBody(req, BODY_MAX_BYTES), configure);
      return refusal === undefined ? sendJson(res, 200, overview()) : fail(refusal);
    }
    default:
      return fail(refuse(url.pathname === "/sandbox" ? 405 : 404));
  }
}

function applyChanges(body: string | undefined, configure: (changes: Partial<Switches>) => void): Refusal | undefined {
  try {
    configure(parseSwitches(parseJson(body ?? "")));
    return undefined;
  } catch (error) {
    if (error instanceof RejectedError) return invalidParameter(error.message);
    throw error;
  }
}
