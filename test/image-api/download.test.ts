import type { RequestListener, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { createDownloader, type DownloaderOptions } from "../../src/image-api/download.ts";
import { afterRequest, closedOrigin, start, startHttp, startTcp } from "../support/servers.ts";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "./self-signed.ts";

const IMAGE = Buffer.from("\x89PNG and so on", "latin1");
const MAX_BYTES = 100_000;

function open(options: Partial<DownloaderOptions> = {}) {
  const downloader = createDownloader({
    maxBytes: MAX_BYTES,
    privateHosts: ["127.0.0.1"],
    timeoutMs: 5000,
    ...options,
  });
  onTestFinished(() => downloader.close());
  return downloader;
}

const download = (url: string, options: Partial<DownloaderOptions> = {}) =>
  open(options).download(url, { signal: new AbortController().signal });

const transient = (code: string) => expect.objectContaining({ name: "TransientError", code });
const rejected = (code: string) => expect.objectContaining({ name: "RejectedError", code });

/** Serves paths by a table; counts what was asked for. */
async function serve(paths: Record<string, RequestListener>) {
  const asked: string[] = [];
  const origin = await startHttp((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const handler = paths[path.split("?")[0] ?? ""];
    if (handler === undefined) response.writeHead(404).end();
    else handler(request, response);
  });
  return { origin, asked };
}

const image: RequestListener = (_, response) => response.end(IMAGE);
const to =
  (location: string, status = 302): RequestListener =>
  (_, response) =>
    response.writeHead(status, { location }).end("moved");

function pour(response: ServerResponse): void {
  const more = () => {
    while (response.write(Buffer.alloc(16 * 1024)));
  };
  response.on("drain", more);
  more();
}

describe("a download", () => {
  test("brings the whole body, and asks for it as it is", async () => {
    const origin = await startHttp((request, response) => {
      expect(request.headers["accept-encoding"]).toBe("identity");
      expect(request.url).toBe("/1.png?sign=a%2Fb&x=1");
      image(request, response);
    });
    expect(await download(`${origin}/1.png?sign=a%2Fb&x=1`)).toEqual(IMAGE);
  });

  test("may be as large as allowed, to the byte", async () => {
    const whole = Buffer.alloc(MAX_BYTES, 7);
    const origin = await startHttp((_, response) => response.end(whole));
    expect(await download(origin)).toEqual(whole);
  });

  test.each([
    ["gzip", gzipSync(IMAGE)],
    ["br", brotliCompressSync(IMAGE)],
    ["identity", IMAGE],
    ["zstd", zstdCompressSync(IMAGE)],
  ])("is decoded where the other side insists on %s", async (encoding, body) => {
    const origin = await startHttp((_, response) =>
      response.writeHead(200, { "content-encoding": encoding }).end(body),
    );
    expect(await download(origin)).toEqual(IMAGE);
  });
});

describe("sizes", () => {
  test("an announced size over the cap is refused before the body", async () => {
    const origin = await startHttp((_, response) =>
      response.writeHead(200, { "content-length": MAX_BYTES + 1 }).flushHeaders(),
    );
    await expect(download(origin)).rejects.toEqual(rejected("image_too_large"));
  });

  test("an endless body is refused at the cap, and its connection dropped", async () => {
    const dropped = Promise.withResolvers<void>();
    const origin = await startHttp((_, response) => {
      response.on("close", () => dropped.resolve());
      pour(response);
    });
    await expect(download(origin)).rejects.toEqual(rejected("image_too_large"));
    await dropped.promise;
  });

  test("a small body that unpacks to a large one is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(MAX_BYTES);
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    await expect(download(origin)).rejects.toEqual(rejected("image_too_large"));
  });

  test.each(["gzip", "aws-chunked"])("a content encoding that was not applied (%s) is ignored", async (encoding) => {
    const origin = await startHttp((_, response) =>
      response.writeHead(200, { "content-encoding": encoding }).end(IMAGE),
    );
    expect(await download(origin)).toEqual(IMAGE);
  });

  test.each([
    [201, undefined],
    [203, undefined],
    [206, undefined],
    [206, `bytes 0-${IMAGE.length - 1}/${IMAGE.length}`],
    [226, undefined],
  ])("a whole image with status %i is taken (Content-Range %s)", async (status, range) => {
    const headers = range === undefined ? {} : { "content-range": range };
    const origin = await startHttp((_, response) => response.writeHead(status, headers).end(IMAGE));
    expect(await download(origin)).toEqual(IMAGE);
  });

  test.each(["bytes 1-5/6", "bytes 0-4/60", "bytes */60", "none"])(
    "a part of an image (%s) is never taken for whole",
    async (range) => {
      const headers = range === "" ? {} : { "content-range": range };
      const origin = await startHttp((_, response) => response.writeHead(206, headers).end(IMAGE));
      await expect(download(origin)).rejects.toEqual(transient("download_truncated"));
    },
  );

  test("up to 256 KiB of headers are taken, as by a browser", async () => {
    const head = Array.from({ length: 25 }, (_, index) => `x-policy-${index}: ${"x".repeat(8_000)}`).join("\r\n");
    const origin = await startTcp((socket) =>
      afterRequest(socket, () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${IMAGE.length}\r\n${head}\r\n\r\n`);
        socket.end(IMAGE);
      }),
    );
    expect(await download(origin)).toEqual(IMAGE);
  });

  test("an empty body fails for now", async () => {
    const origin = await startHttp((_, response) => response.end());
    await expect(download(origin)).rejects.toEqual(transient("download_empty"));
  });

  test.each([
    ["content-length", "content-length: 500\r\n\r\nabc"],
    ["chunked", "transfer-encoding: chunked\r\n\r\n5\r\nabc"],
  ])("a body cut short (%s) is never taken for whole", async (_, rest) => {
    const origin = await startTcp((socket) => afterRequest(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)));
    await expect(download(origin)).rejects.toEqual(transient("download_truncated"));
  });

  test("a reset in the middle of the body is never taken for its end", async () => {
    const origin = await startHttp((_, response) => {
      response.write("abc", () => response.socket?.resetAndDestroy());
    });
    await expect(download(origin)).rejects.toEqual(transient("download_truncated"));
  });
});

describe("time", () => {
  test("a slow drip is dropped", async () => {
    const origin = await startHttp((_, response) => {
      const drip = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(drip));
    });
    const slow = { minBytesPerSecond: 1000, rateWindowMs: 200 };
    await expect(download(origin, slow)).rejects.toEqual(transient("download_too_slow"));
  });

  test("a body that comes fast enough is left alone over many windows", async () => {
    const origin = await startHttp((_, response) => {
      let left = 20;
      const drip = setInterval(() => {
        response.write(Buffer.alloc(500));
        if (--left === 0) response.end(() => clearInterval(drip));
      }, 80);
    });
    // windows so long that a machine which stands still for a moment does not look like a slow server
    const slow = { minBytesPerSecond: 100, rateWindowMs: 500 };
    expect(await download(origin, slow)).toHaveLength(10_000);
  });

  test("a server that says nothing is dropped", async () => {
    const origin = await startHttp(() => {});
    await expect(download(origin, { rateWindowMs: 100 })).rejects.toEqual(transient("download_too_slow"));
  });

  test("no download takes longer than allowed, however fast", async () => {
    const origin = await startHttp((_, response) => pour(response));
    const patient = { timeoutMs: 200, maxBytes: 2 ** 31, minBytesPerSecond: 1 };
    await expect(download(origin, patient)).rejects.toEqual(transient("download_timeout"));
  });

  test("a signal stops it", async () => {
    const stop = new AbortController();
    const origin = await startHttp((_, response) => response.write("a", () => stop.abort()));
    const running = open().download(origin, { signal: stop.signal });
    await expect(running).rejects.toEqual(transient("download_aborted"));
  });
});

describe("a download that needs leave", () => {
  const BODY = Buffer.alloc(80_000, 7);
  const signal = new AbortController().signal;

  test("asks with the length that was announced, and reads nothing before", async () => {
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-length": 80_000 }).end(BODY));
    const leave = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<number>();
    let came = false;
    const running = open().download(origin, {
      signal,
      admit: (bytes) => {
        asked.resolve(bytes);
        return leave.promise;
      },
    });
    running.then(() => {
      came = true;
    });
    expect(await asked.promise).toBe(80_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(came).toBe(false);
    leave.resolve();
    expect(await running).toEqual(BODY);
  });

  test("asks for the most that may come where no length is announced", async () => {
    const origin = await startHttp((_, response) => {
      response.write(BODY.subarray(0, 10));
      response.end(BODY.subarray(10));
    });
    let asked = 0;
    const admit = async (bytes: number) => {
      asked = bytes;
    };
    expect(await open().download(origin, { signal, admit })).toEqual(BODY);
    expect(asked).toBe(MAX_BYTES);
  });

  test("asks for the image only: not for redirects, and not for other bodies", async () => {
    const { origin } = await serve({ "/a": to("/b"), "/b": image });
    const asked: number[] = [];
    const admit = async (bytes: number) => void asked.push(bytes);
    await open().download(`${origin}/a`, { signal, admit });
    await open()
      .download(`${origin}/none`, { signal, admit })
      .catch(() => undefined);
    expect(asked).toHaveLength(1);
  });

  test("does not blame the other side for the time it waited", async () => {
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-length": 80_000 }).end(BODY));
    const admit = () => new Promise<void>((resolve) => setTimeout(resolve, 250));
    const strict = open({ minBytesPerSecond: 10_000, rateWindowMs: 100 });
    expect(await strict.download(origin, { signal, admit })).toEqual(BODY);
  });

  test("can be stopped while it waits", async () => {
    const origin = await startHttp((_, response) => response.writeHead(200, { "content-length": 80_000 }).end(BODY));
    const stop = new AbortController();
    const admit = () => {
      setImmediate(() => stop.abort());
      return new Promise<void>(() => {});
    };
    const running = open().download(origin, { signal: stop.signal, admit });
    await expect(running).rejects.toEqual(transient("download_aborted"));
  });
});

test.each([
  [403, "download_gone"],
  [404, "download_gone"],
  [410, "download_gone"],
  [204, "download_empty"],
  [304, "download_failed"],
  [400, "download_failed"],
  [429, "download_failed"],
  [500, "download_failed"],
  [503, "download_failed"],
])("status %i is %s", async (status, code) => {
  const origin = await startHttp((_, response) => response.writeHead(status).end(status === 304 ? undefined : IMAGE));
  await expect(download(origin)).rejects.toEqual(transient(code));
});

test("a refused connection, an unknown name and an unknown certificate fail for now", async () => {
  const tls = createTlsServer({ key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERT }, image);
  const secure = (await start(tls)).replace("http:", "https:");
  for (const url of [await closedOrigin(), "http://nowhere.invalid/", secure]) {
    await expect(download(url)).rejects.toEqual(transient("download_failed"));
  }
});

describe("redirects", () => {
  test.each([301, 302, 303, 307, 308])("%i is followed, a relative one too", async (status) => {
    const { origin } = await serve({ "/a": to("/b", status), "/b": to("c", status), "/c": image });
    expect(await download(`${origin}/a`)).toEqual(IMAGE);
  });

  test.each([
    ["UTF-8 as it is", Buffer.from("/图片/狐 1.png")],
    ["percent-encoded UTF-8", Buffer.from(encodeURI("/图片/狐 1.png"))],
  ])("a Location in %s leads to the same place", async (_, path) => {
    const asked: string[] = [];
    const origin = await startTcp((socket) =>
      socket.once("data", (request) => {
        const target = request.toString("latin1").split(" ")[1] ?? "";
        asked.push(target);
        if (target !== "/a") return socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx`);
        socket.end(
          Buffer.concat([
            Buffer.from("HTTP/1.1 302 Found\r\nlocation: "),
            path,
            Buffer.from("\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
          ]),
        );
      }),
    );
    await download(`${origin}/a`);
    expect(asked).toEqual(["/a", encodeURI("/图片/狐 1.png")]);
  });

  test("three are followed, a fourth is not", async () => {
    const { origin, asked } = await serve({ "/a": to("/b"), "/b": to("/c"), "/c": to("/d"), "/d": image });
    expect(await download(`${origin}/a`)).toEqual(IMAGE);
    await expect(download(`${origin}/a`, { maxRedirects: 2 })).rejects.toEqual(transient("download_failed"));
    expect(asked).toEqual(["/a", "/b", "/c", "/d", "/a", "/b", "/c"]);
  });

  test("a loop ends", async () => {
    const { origin, asked } = await serve({ "/a": to("/a") });
    await expect(download(`${origin}/a`)).rejects.toEqual(transient("download_failed"));
    expect(asked).toHaveLength(4);
  });

  test.each([
    ["a loopback literal", "http://127.0.0.1:PORT/b"],
    ["another spelling of it", "http://2130706433:PORT/b"],
    ["a name that leads there", "http://localhost:PORT/b"],
    ["an IPv6 spelling", "http://[::ffff:127.0.0.1]:PORT/b"],
    ["the metadata service", "http://169.254.169.254/latest/meta-data"],
    ["a file", "file:///etc/passwd"],
  ])("to %s is refused", async (_, location) => {
    const inside = await serve({ "/b": image });
    const { origin } = await serve({ "/a": to(location.replace("PORT", new URL(inside.origin).port)) });
    const listed = { privateHosts: [new URL(origin).host] };
    await expect(download(`${origin}/a`, listed)).rejects.toEqual(rejected("address_refused"));
    expect(inside.asked).toEqual([]);
  });

  test("without a place to go fails for now", async () => {
    const origin = await startHttp((_, response) => response.writeHead(302).end());
    await expect(download(origin)).rejects.toEqual(transient("download_failed"));
  });
});

test.each(["http://127.0.0.1:1/", "http://0x7f.1:1/", "http://localhost:1/", "http://a:b@images.test/", "nonsense"])(
  "%s is refused where it is not listed",
  async (url) => {
    await expect(download(url, { privateHosts: [] })).rejects.toEqual(rejected("address_refused"));
  },
);

test("no message shows the query of a URL, wherever it came from", async () => {
  const { origin } = await serve({
    "/gone": (_, response) => response.writeHead(403).end(),
    "/moved": to("/gone?sign=hush"),
    "/inside": to("http://10.0.0.1/?sign=hush"),
    "/empty": (_, response) => response.end(),
    "/large": (_, response) => pour(response),
  });
  const urls = ["/gone", "/moved", "/inside", "/empty", "/large", "/missing"].map(
    (path) => `${origin}${path}?sign=hush`,
  );
  for (const url of [...urls, `${await closedOrigin()}/?sign=hush`, "http://[?sign=hush"]) {
    const error = await download(url).then(
      String,
      (thrown: Error) => `${thrown.message} ${String(thrown.cause ?? "")}`,
    );
    expect(error).toMatch(/^Cannot /);
    expect(error).not.toMatch(/hush/);
  }
});
