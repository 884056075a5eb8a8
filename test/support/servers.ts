// Real servers on loopback for these tests: HTTP by a handler, TCP by what is done to the socket. Closed after each test.
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Starts an HTTP server; resolves to its origin. */
export function startHttp(handler: RequestListener): Promise<string> {
  return start(createServer(handler));
}

/** Starts a TCP server that hands over each socket; resolves to its origin, as http. */
export function startTcp(onSocket: (socket: Socket) => void): Promise<string> {
  return start(createTcpServer(onSocket));
}

/** Starts any server on a free loopback port; it and its connections end with the test. */
export async function start(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    // clients under test break connections on purpose
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An origin on which nothing listens. */
export async function closedOrigin(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Calls `then` once the socket has sent a whole request (its JSON body ends with "}"). */
export function afterRequest(socket: Socket, then: () => void): void {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (/\r\n\r\n[\s\S]*\}$/.test(text) || /^GET [\s\S]*\r\n\r\n$/.test(text)) then();
  });
}
