import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { readManifest } from "../../../src/batches/manifest/manifest.ts";
import { openSource, type SourceOptions } from "../../../src/batches/manifest/source.ts";
import { openHttp } from "../../../src/batches/manifest/source-http.ts";
import { readS3Object } from "../../../src/storage/s3-object.ts";
import { collect } from "../../support/collect.ts";
import { startProxy } from "../../support/proxy.ts";
import { startS3Server } from "../../support/s3-server.ts";
import { closedOrigin, startHttp } from "../../support/servers.ts";

const LINE = '{"prompt":"a fox"}\n';

const NO_S3: SourceOptions = {
  readS3: () => {
    throw new Error("Got a question to S3, wanted none");
  },
};

async function prompts(where: string, options: Partial<SourceOptions> = {}): Promise<unknown[]> {
  const source = await openSource(where, { ...NO_S3, ...options });
  const entries = await collect(readManifest(source));
  return entries.map((entry) => ("submission" in entry ? entry.submission.prompt : entry.faults));
}

async function testFile(name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "archiver-manifest-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe("a file", () => {
  test("is read by its path or its URL", async () => {
    const path = await testFile("a b%20.jsonl", LINE);
    expect(await prompts(path)).toEqual(["a fox"]);
    expect(await prompts(pathToFileURL(path).href)).toEqual(["a fox"]);
  });

  test("that is not there, or is a folder, is told before anything is begun", async () => {
    for (const path of [join(tmpdir(), "no-such-manifest.csv"), tmpdir()]) {
      await expect(openSource(path, NO_S3)).rejects.toMatchObject({
        name: "ConfigError",
        code: "manifest_unreadable",
        message: expect.stringContaining(path),
      });
    }
  });
});

describe("standard input", () => {
  test("is read to its end", async () => {
    expect(await prompts("-", { stdin: Readable.from([Buffer.from(LINE)]) })).toEqual(["a fox"]);
  });

  test("that is silent is not waited for once the signal comes", async () => {
    const controller = new AbortController();
    const stdin = new PassThrough();
    const reading = prompts("-", { stdin, signal: controller.signal });
    stdin.write(LINE);
    controller.abort(new Error("stop"));
    await expect(reading).rejects.toThrow();
    expect(stdin.destroyed).toBe(true);
  });
});

describe("an object in S3", () => {
  test("is streamed; one that is not there is told", async () => {
    const server = await startS3Server();
    onTestFinished(() => server.close());
    const client = new S3Client(server);
    await client.send(
      new PutObjectCommand({ Bucket: server.bucket, Key: "prompts/night.csv", Body: "prompt\na fox\n" }),
    );
    client.destroy();
    const readS3: SourceOptions["readS3"] = (url, { signal }) => readS3Object(url, { ...server, signal });
    expect(await prompts(`s3://${server.bucket}/prompts/night.csv`, { readS3 })).toEqual(["a fox"]);
    await expect(prompts(`s3://${server.bucket}/none.csv`, { readS3 })).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringContaining("there is no such object"),
    });
    await expect(prompts("s3://bucket", { readS3 })).rejects.toThrow("wanted s3://bucket/key");
    await expect(prompts("s3://key:secret@bucket/a.csv", { readS3 })).rejects.toThrow(
      'Cannot read "s3://bucket/a.csv"',
    );
  });
});

describe("a web server", () => {
  /** Answers by path; anything else is not found. */
  function serve(pages: Record<string, RequestListener>): Promise<string> {
    return startHttp((request, response) => {
      const page = pages[request.url?.replace(/\?.*/, "") ?? ""];
      if (page === undefined) response.writeHead(404).end();
      else page(request, response);
    });
  }
  const redirect =
    (location: string): RequestListener =>
    (_, response) =>
      void response.writeHead(302, { location }).end();

  test("is asked, redirects are followed, and the type it names decides the format", async () => {
    const origin = await serve({
      "/old": redirect("/new"),
      "/new": (_, response) => void response.writeHead(200, { "content-type": "text/csv" }).end("prompt\na fox\n"),
    });
    expect(await prompts(`${origin}/old?sig=secret`)).toEqual(["a fox"]);
    expect((await openSource(`${origin}/new?sig=secret`, NO_S3)).name).toBe(`${origin}/new`);
  });

  test.each([
    ["404", "/none", "ConfigError", "the server answered 404"],
    ["403", "/denied", "ConfigError", "the server answered 403"],
    ["503", "/busy", "TransientError", "the server answered 503"],
    ["a redirect without end", "/loop", "ConfigError", "at most 5 redirects"],
    ["a redirect away from https", "/away", "ConfigError", "wanted https://"],
    ["a redirect to a private address", "/private", "ConfigError", "private address"],
    ["a redirect to a private name", "/named", "ConfigError", "private address"],
  ])("that answers with %s is told from one that may be asked again", async (_, path, name, reason) => {
    const origin = await serve({
      "/denied": (_, response) => void response.writeHead(403).end("no"),
      "/busy": (_, response) => void response.writeHead(503).end(),
      "/loop": redirect("/loop"),
      "/away": redirect("http://manifests.test/a.csv"),
      "/private": redirect("https://10.0.0.1/a.csv"),
      "/named": redirect(`https://${hostname()}/a.csv`),
    });
    const error = await openSource(`${origin}${path}?sig=secret`, NO_S3).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name, message: expect.stringContaining(reason) });
    expect((error as Error).message).not.toContain("secret");
  });

  test("is asked through the proxy; one on this machine is not", async () => {
    const proxy = await startProxy({ answer: LINE });
    const origin = await serve({ "/a.jsonl": (_, response) => void response.end(LINE) });
    const settings = { httpProxy: proxy.origin, httpsProxy: proxy.origin };
    expect(await prompts(`${origin}/a.jsonl`, { proxy: settings })).toEqual(["a fox"]);
    expect(proxy.asked).toEqual([]);
    await prompts("https://manifests.test/a.jsonl?sig=secret", { proxy: settings }).catch(() => undefined);
    expect(proxy.asked).toEqual(["CONNECT manifests.test:443"]);
  });

  test("elsewhere is asked by https only", async () => {
    await expect(openSource("http://manifests.test/a.csv", NO_S3)).rejects.toThrow("wanted https://");
    await expect(openSource("https://u:p@manifests.test/a.csv", NO_S3)).rejects.toThrow("without user and password");
  });

  test("that is not there may be asked again", async () => {
    await expect(openSource(`${await closedOrigin()}/a.csv`, NO_S3)).rejects.toMatchObject({
      name: "TransientError",
      code: "manifest_unreachable",
    });
  });

  test("that breaks off within the manifest is told: half a manifest is none", async () => {
    const origin = await serve({
      "/a.jsonl": (_, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write(LINE, () => response.destroy());
      },
    });
    await expect(prompts(`${origin}/a.jsonl`)).rejects.toMatchObject({ name: "TransientError" });
  });

  test("that sends without end is stopped", async () => {
    let open = 0;
    const origin = await serve({
      "/a.jsonl": (_, response) => {
        open++;
        response.on("close", () => open--);
        const more = () => void (response.destroyed || response.write(LINE.repeat(1_000), more));
        more();
      },
    });
    const source = await openHttp(`${origin}/a.jsonl`, { signal: undefined, maxBytes: 100_000 });
    await expect(collect(source.bytes)).rejects.toThrow("it has more than 100000 bytes");
    await expect.poll(() => open).toBe(0);
  });

  test("is let go when the reader leaves early", async () => {
    const closed = Promise.withResolvers<void>();
    const origin = await serve({
      "/a.jsonl": (_, response) => {
        response.on("close", closed.resolve);
        response.write(LINE.repeat(1_000));
      },
    });
    const source = await openSource(`${origin}/a.jsonl`, NO_S3);
    for await (const entry of readManifest(source)) {
      expect(entry.line).toBe(1);
      break;
    }
    await closed.promise;
  });

  test("is let go when the signal comes", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const origin = await serve({ "/a.jsonl": (_, response) => void response.write(LINE, () => asked.resolve()) });
    const reading = prompts(`${origin}/a.jsonl`, { signal: controller.signal });
    const rejected = expect(reading).rejects.toThrow("stop");
    await asked.promise;
    controller.abort(new Error("stop"));
    await rejected;
  });
});
