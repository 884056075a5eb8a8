// A catalog of one's own, with a clock that a test sets, and requests to put into it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewBatch } from "../../../src/catalog/batches/batches.ts";
import { type OpenCatalog, openCatalog } from "../../../src/catalog/catalog.ts";
import { parseSubmission, type Request, toRequest } from "../../../src/domain/request/submission.ts";
import type { AnswerRecord, CallFailure } from "../../../src/pipeline/ports.ts";

/** A catalog in a folder that goes with it. */
export interface TestCatalog extends AsyncDisposable {
  catalog: OpenCatalog;
  clock: { at: number };
  /** The same file, opened by another "worker". */
  open(): OpenCatalog;
  /** Where it lies; gone after the test. */
  folder: string;
}

export async function openTestCatalog(): Promise<TestCatalog> {
  const folder = await mkdtemp(join(tmpdir(), "archiver-batch-"));
  const clock = { at: Date.UTC(2026, 10, 23) };
  const opened: OpenCatalog[] = [];
  const open = () => {
    const catalog = openCatalog({ file: join(folder, "catalog.db"), clock: { now: () => clock.at } });
    opened.push(catalog);
    return catalog;
  };
  return {
    folder,
    catalog: open(),
    clock,
    open,
    [Symbol.asyncDispose]: async () => {
      for (const catalog of opened) catalog.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function requestOf(id: string, fields: object = {}): Request {
  const submission = parseSubmission({ prompt: `picture ${id}`, seed: 7, reuse: false, ...fields });
  return toRequest(submission, { requestId: id, random: () => 0.5 });
}

export function newBatch(id: string, more: Partial<NewBatch> = {}): NewBatch {
  return {
    batch_id: id,
    name: id,
    manifest: `${id}.jsonl`,
    manifest_digest: id,
    schedule: null,
    items: 0,
    invalid: 0,
    ...more,
  };
}

/** A batch with these items, all of them recorded. */
export async function beginWith(catalog: OpenCatalog, batch: NewBatch, requests: readonly Request[]): Promise<void> {
  await catalog.batches.start({ ...batch, items: requests.length });
  await catalog.batches.acceptItems(
    batch.batch_id,
    requests.map((request, index) => ({ request, item: index + 1 })),
  );
  await catalog.batches.endEnqueuing(batch.batch_id);
}

export const FAILURE: CallFailure = {
  class: "transient",
  code: "server_error",
  message: "The API failed",
  http_status: 500,
  api_request_id: null,
  retry_after_ms: null,
};

export function answerOf(n: number): AnswerRecord {
  return {
    answer: { created: 1, images: [], usage: null, http_status: 200, api_request_id: null },
    images: Array.from({ length: n }, (_, index) => ({
      index,
      url: `http://127.0.0.1/${index}`,
      spool_file: null,
      expires_at: Date.UTC(2027, 0, 1),
    })),
    expires_at: Date.UTC(2027, 0, 1),
    complete: true,
  };
}
