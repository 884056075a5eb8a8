// The few words of the Redis protocol that finding and stopping a server needs, over a plain socket.
// Not a client: one command at a time, no pipelining, no TLS. ioredis belongs to the queue's folder.
import { connect, type Socket } from "node:net";

/** A raw connection to one Redis. */
export interface Wire {
  /** The reply as text. Error replies ("-NOAUTH …") come back as text too, with their minus. */
  command(...words: string[]): Promise<string>;
  /** Resolves when the other side has seen the end; harmless on repeat. */
  close(): Promise<void>;
}

export interface Address {
  host: string;
  port: number;
  /** Sent before anything else. */
  password?: string | undefined;
}

/** Connects, or throws what the socket says. `timeoutMs` bounds the connection and each reply. */
export async function openWire(address: Address, options: { timeoutMs: number }): Promise<Wire> {
  const socket = connect({ host: address.host, port: address.port });
  // an open wire must not keep a finished program alive
  socket.unref();
  await settled(socket, "connect", options.timeoutMs);
  // after the start a broken wire shows in the next command
  socket.on("error", () => {});
  const wire: Wire = {
    command: (...words) => exchange(socket, { words, timeoutMs: options.timeoutMs }),
    close: () => end(socket, options.timeoutMs),
  };
  if (address.password !== undefined) await authenticate(wire, address.password);
  return wire;
}

async function authenticate(wire: Wire, password: string): Promise<void> {
  const reply = await wire.command("AUTH", password);
  if (reply === "OK") return;
  await wire.close();
  throw new Error(`the password was refused: ${reply}`);
}

/** What PING says: "PONG", an error reply, or undefined where nothing answers. */
export async function ping(address: Address, options: { timeoutMs: number }): Promise<string | undefined> {
  const wire = await openWire(address, options).catch(() => undefined);
  if (wire === undefined) return undefined;
  try {
    return await wire.command("PING");
  } catch {
    return undefined;
  } finally {
    await wire.close();
  }
}

async function exchange(socket: Socket, call: { words: string[]; timeoutMs: number }): Promise<string> {
  if (socket.destroyed) throw new Error("the connection is closed");
  let received = Buffer.alloc(0);
  socket.write(`${call.words.join(" ")}\r\n`);
  const deadline = Date.now() + call.timeoutMs;
  while (true) {
    const chunk = (await settled(socket, "data", deadline - Date.now())) as Buffer;
    received = Buffer.concat([received, chunk]);
    const reply = parseReply(received);
    if (reply !== undefined) return reply;
  }
}

/** Simple strings, integers, errors and bulk strings; undefined while bytes are missing. */
function parseReply(received: Buffer): string | undefined {
  const end = received.indexOf("\r\n");
  if (end === -1) return undefined;
  const line = received.toString("utf8", 0, end);
  if (line.startsWith("-")) return line;
  if (!line.startsWith("$")) return line.slice(1);
  const bytes = Number(line.slice(1));
  const body = received.subarray(end + 2);
  return body.length < bytes + 2 ? undefined : body.toString("utf8", 0, bytes);
}

/** The next event of that name, or the reason why it will not come. */
function settled(socket: Socket, event: "connect" | "data", timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`no answer within ${timeoutMs} ms`)), Math.max(timeoutMs, 1));
    const onEvent = (value: unknown) => finish(undefined, value);
    const onError = (error: Error) => finish(error);
    const onClose = () => finish(new Error("the connection was closed"));
    function finish(error: Error | undefined, value?: unknown): void {
      clearTimeout(timer);
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      if (error === undefined) resolve(value);
      else {
        socket.on("error", () => {}).destroy();
        reject(error);
      }
    }
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}

function end(socket: Socket, timeoutMs: number): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    // QUIT would do too; a FIN is answered by Redis with its own, so "close" means that it has seen ours
    socket.resume().end();
  });
}
