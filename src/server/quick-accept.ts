// POST /v1/requests as services send it, past the framework, whose routing, Context, Request and Response cost as much as the
// accepting itself. The same guards, the same acceptance, the same answers: what is unusual is left to the framework.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerContext } from "./context.ts";
import { toLogFields } from "./error-answer.ts";
import { admit, commonHeaders, createHostCheck, logResponse, nameOf, refuseForeignPage } from "./guards.ts";
import { JSON_MAX_BYTES } from "./json-body.ts";
import { acceptRequest } from "./routes/requests.ts";
import { toHttpError } from "./to-http-error.ts";

const PATH = "/v1/requests";

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  checkHost(url: string): void;
}

/** Answers an exchange, or returns false and has not touched it. */
export function createQuickAccept(
  context: ServerContext,
): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const isUsual = createUsualCheck();
  const checkHost = createHostCheck(context);
  return (incoming, outgoing) => {
    if (!isUsual(incoming)) return false;
    // nobody else would hear of what fails here, and it would end the process
    answer(context, { incoming, outgoing, checkHost }).catch((thrown: unknown) => {
      context.app.log.error({ method: "POST", path: PATH, ...toLogFields(thrown) }, "an exchange failed");
      outgoing.destroy();
    });
    return true;
  };
}

/** A body of a known length that is allowed, and a host that is one: all else is looked at in the routes. */
function createUsualCheck(): (incoming: IncomingMessage) => boolean {
  let usualHost: string | undefined;
  return ({ method, url, headers }) => {
    if (method !== "POST" || url !== PATH || !(Number(headers["content-length"]) <= JSON_MAX_BYTES)) return false;
    const { host } = headers;
    if (host === undefined || (host !== usualHost && !isPlainHost(host))) return false;
    usualHost = host;
    return true;
  };
}

function isPlainHost(host: string): boolean {
  return /^[a-z0-9.-]+(:\d+)?$/.test(host) && URL.canParse(`http://${host}/`);
}

async function answer(context: ServerContext, { incoming, outgoing, checkHost }: Exchange): Promise<void> {
  const begun = performance.now();
  const exchangeId = nameOf(incoming);
  const exchange = { exchangeId, method: "POST", path: PATH };
  let route: string | undefined;
  try {
    const url = `http://${incoming.headers.host}${PATH}`;
    checkHost(url);
    refuseForeignPage(context, incoming);
    admit(context, incoming);
    route = PATH;
    const { status, location, view } = await acceptRequest(context, { incoming, url });
    send(outgoing, { status, headers: { ...commonHeaders(exchangeId), location }, body: view });
  } catch (thrown) {
    const { status, headers, body } = toHttpError(context, exchange, thrown);
    send(outgoing, { status, headers: { ...commonHeaders(exchangeId), ...headers }, body });
    leave(incoming);
  }
  logResponse(context, { ...exchange, route, status: outgoing.statusCode, begun });
}

/** How long the rest of a body may take that nobody wants, in ms. As the framework's adapter has it. */
const REST_MS = 500;

/** After a refusal: who is still sending does not hold the connection for as long as they like. */
function leave(incoming: IncomingMessage): void {
  if (incoming.readableEnded) return;
  const timer = setTimeout(() => incoming.destroy(), REST_MS);
  timer.unref();
  incoming.once("end", () => clearTimeout(timer)).resume();
}

function send(
  outgoing: ServerResponse,
  { status, headers, body }: { status: number; headers: Readonly<Record<string, string>>; body: object },
): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  outgoing.writeHead(status, { ...headers, "content-type": "application/json", "content-length": length });
  outgoing.end(text);
}
