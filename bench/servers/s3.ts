// The S3 protocol as far as one PUT needs it, in a process of its own: takes the body, answers with its MD5 as ETag.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  const md5 = createHash("md5");
  request.on("data", (chunk: Buffer) => md5.update(chunk));
  request.once("end", () => response.writeHead(200, { etag: `"${md5.digest("hex")}"`, "content-length": 0 }).end());
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once("disconnect", () => process.exit());
