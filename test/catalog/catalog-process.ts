// A process of its own that works on a catalog: started by tests with the file and what to do, it obeys lines on stdin.
// open: opens and says what it migrated. work <name> <count>: so many requests from accept to archived.
// reserve <id>: registers as a worker and reserves a call, then lives on until it is killed.
import { createInterface } from "node:readline/promises";
import { type OpenCatalog, openCatalog } from "../../src/catalog/catalog.ts";
import { parseSubmission, toRequest } from "../../src/domain/request/submission.ts";

const [file = ""] = process.argv.slice(2);
let catalog: OpenCatalog | undefined;

async function open(): Promise<string> {
  catalog = openCatalog({ file });
  await catalog.register();
  return `migrated ${catalog.migrated.length}`;
}

async function work(name: string, count: number): Promise<string> {
  await Promise.all(Array.from({ length: count }, (_, index) => workOne(`${name}-${index}`)));
  return "done";
}

async function workOne(id: string): Promise<void> {
  if (catalog === undefined) throw new Error("Got work before open");
  await accept(catalog, id);
  const reservation = await catalog.reserveCall(id, { n: 1, seed: 1 });
  if (reservation.kind !== "reserved") throw new Error(`Got ${reservation.kind}`);
  await catalog.answerCall(reservation.call, {
    answer: { created: 1, images: [], usage: null, http_status: 200, api_request_id: null },
    images: [{ index: 0, url: "https://images.test/0", spool_file: null, expires_at: 1 }],
    expires_at: 1,
    complete: true,
  });
  const digest = "a".repeat(64);
  const facts = { bytes: 1, content_type: "image/png" as const, width: 1, height: 1, phash: "0123456789abcdef" };
  await catalog.recordAsset({ request_id: id, index: 0 }, { digest, key: "k", archived_at: 1, ...facts });
  if (!(await catalog.finish(id, { state: "archived" }))) throw new Error(`Got no end of ${id}`);
}

async function reserve(id: string): Promise<string> {
  if (catalog === undefined) throw new Error("Got work before open");
  await accept(catalog, id);
  return (await catalog.reserveCall(id, { n: 1, seed: 1 })).kind;
}

function accept(catalog: OpenCatalog, id: string) {
  const request = toRequest(parseSubmission({ prompt: "a red fox" }), { requestId: id, random: Math.random });
  return catalog.accept(request, { jobId: id });
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, name = "", count = "0"] = line.split(" ");
  try {
    console.log(
      verb === "open" ? await open() : verb === "work" ? await work(name, Number(count)) : await reserve(name),
    );
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    console.log(`error ${code ?? ""} ${message}`);
  }
}
