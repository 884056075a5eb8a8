// What a worker records for each request, through the real catalog with its recorder: accepted, a call reserved, its
// answer, the asset, the end. So many requests at a time as a worker has in flight. Reports requests per second.
import { randomBytes } from "node:crypto";
import { openCatalog } from "../../src/catalog/catalog.ts";
import { startCheckpointer } from "../../src/catalog/db/checkpointer.ts";
import { openRecorder } from "../../src/catalog/db/recorder.ts";
import { parseSubmission, toRequest } from "../../src/domain/request/submission.ts";
import { report } from "../cost.ts";
import { prompted } from "../prompts.ts";

const { FILE = "", COUNT = "0", FROM = "0", CONCURRENCY = "64" } = process.env;
const options = { file: FILE, maxUnarchivedImages: 100_000 };
const catalog = openCatalog(options);
const recorder = openRecorder(catalog, options);
await recorder.ready();
await catalog.register();
// as a worker's upkeep does, but at once: this lives for seconds
const checkpointer = startCheckpointer(FILE, { afterMs: 0 });
const count = Number(COUNT);
const warmUp = Math.ceil(count / 10);
let next = 0;

await recordUntil(warmUp);
const begun = performance.now();
await recordUntil(warmUp + count);
const seconds = (performance.now() - begun) / 1000;
report({ value: count / seconds });
await checkpointer.close();
await recorder.close();
catalog.close();
process.disconnect();

async function recordUntil(end: number): Promise<void> {
  await Promise.all(
    Array.from({ length: Number(CONCURRENCY) }, async () => {
      while (next < end) await record(Number(FROM) + next++);
    }),
  );
}

async function record(index: number): Promise<void> {
  const { batch: _, ...data } = prompted(index);
  const request = toRequest(parseSubmission(data), { requestId: `new-${index}`, random: Math.random });
  await recorder.accept(request, { jobId: `req-new-${index}` });
  const { n, seed } = request.recipe;
  const reservation = await recorder.reserveCall(request.request_id, { n, seed });
  if (reservation.kind !== "reserved") throw new Error(`No call was reserved: ${JSON.stringify(reservation)}`);
  const created = Math.floor(Date.now() / 1000);
  await recorder.answerCall(reservation.call, {
    answer: { created, images: [], usage: null, http_status: 200, api_request_id: null },
    images: [{ index: 0, url: `http://127.0.0.1/${index}.png`, spool_file: null, expires_at: Date.now() + 1e9 }],
    expires_at: Date.now() + 1e9,
    complete: true,
  });
  const digest = randomBytes(32).toString("hex");
  const image = { bytes: 2_000_000, content_type: "image/png" as const, width: 1024, height: 1024 };
  const key = `images/${digest.slice(0, 2)}/${digest}.png`;
  await recorder.recordAsset(
    { request_id: request.request_id, index: 0 },
    { digest, key, ...image, archived_at: Date.now(), phash: digest.slice(0, 16) },
  );
  if (!(await recorder.finish(request.request_id, { state: "archived" })))
    throw new Error("It did not end as archived");
}
