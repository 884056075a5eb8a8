// Where a manifest comes from: a file, standard input, s3:// or https://. Always a stream of bytes, never a whole file.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { addAbortSignal, Readable } from "node:stream";
import { ConfigError } from "../../domain/errors.ts";
import type { ProxySettings } from "../../outbound/proxy.ts";
import type { ManifestSource } from "./entry.ts";
import { openHttp } from "./source-http.ts";

/** Reads an object of S3; handed in, since the SDK lives elsewhere. */
export type ReadS3 = (url: string, options: { signal: AbortSignal | undefined }) => AsyncIterable<Uint8Array>;

export interface SourceOptions {
  readS3: ReadS3;
  /** What "-" reads; the process's own standard input where it is not given. */
  stdin?: AsyncIterable<Uint8Array>;
  proxy?: ProxySettings | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * | `where` | is |
 * |---|---|
 * | `-` | standard input |
 * | `s3://bucket/key` | an object in a bucket |
 * | `https://…` | what a server sends; `http://` from this machine only |
 * | `file://…`, anything else | a file |
 *
 * Throws ConfigError `manifest_unreadable` for what is not there, TransientError `manifest_unreachable` for a network
 * that fails. S3 is asked when the first byte is.
 */
export async function openSource(where: string, options: SourceOptions): Promise<ManifestSource> {
  if (where === "-") return { name: "standard input", bytes: openInput(options) };
  if (/^s3:\/\//i.test(where)) return { name: where, bytes: options.readS3(where, { signal: options.signal }) };
  if (/^https?:\/\//i.test(where)) return openHttp(where, { signal: options.signal, proxy: options.proxy });
  return openFile(where, options.signal);
}

// a pipe may be silent for ever: the signal must end it all the same
function openInput({ stdin, signal }: SourceOptions): AsyncIterable<Uint8Array> {
  const input = stdin ?? process.stdin;
  return signal !== undefined && input instanceof Readable ? addAbortSignal(signal, input) : input;
}

async function openFile(where: string, signal: AbortSignal | undefined): Promise<ManifestSource> {
  try {
    const path = /^file:\/\//i.test(where) ? new URL(where) : where;
    const handle = await open(path, "r");
    // the handle is closed with the stream; opened first, so that a missing file is told before anything is begun
    const bytes = createReadStream("", { fd: handle, ...(signal === undefined ? {} : { signal }) });
    if (!(await handle.stat()).isDirectory()) return { name: where, bytes };
    bytes.destroy();
    throw new Error("it is a directory");
  } catch (cause) {
    throw unreadable(where, reasonOf(cause), cause);
  }
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "it may not be read";
  return message;
}

function unreadable(name: string, reason: string, cause: unknown): ConfigError {
  return new ConfigError(
    `Cannot read manifest "${name}": ${reason}, wanted a file, "-" for standard input, s3://bucket/key or https://…`,
    { code: "manifest_unreadable", cause },
  );
}
