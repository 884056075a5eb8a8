// A real proxy on loopback: forwards http and tunnels https, or answers by itself. Notes everything it is asked for.
import { createServer, request as forward } from "node:http";
import { connect } from "node:net";
import { start } from "./servers.ts";

/** `answer`: what it says to every forwarded request instead of asking anybody. `to`: where every name leads. */
export async function startProxy({ answer, to }: { answer?: string; to?: string } = {}) {
  const asked: string[] = [];
  const place = (name: string) => (to === undefined ? new URL(name) : new URL(to));
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "");
    asked.push(`${incoming.method} ${url.origin}${url.pathname}`);
    if (answer !== undefined) return void response.end(answer);
    const { hostname, port } = place(url.href);
    const { method, headers } = incoming;
    const onward = forward({ hostname, port, path: url.pathname + url.search, method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const { hostname, port } = place(`http://${incoming.url}`);
    const onward = connect({ host: hostname, port: Number(port) }, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  return { origin: await start(server), asked };
}
