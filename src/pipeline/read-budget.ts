// The memory budget for reading archived images back, for the whole process. Verification, second copies and thumbnails work
// on several images at a time, and each of those may be as large as IMAGE_MAX_BYTES.
import { createByteSemaphore } from "./byte-semaphore.ts";

/** The maximum bytes of originals held at a time, as recorded in the catalog. A larger image is held alone. */
export const READ_BYTES_MAX = 96 * 1024 * 1024;

const budget = createByteSemaphore(READ_BYTES_MAX);

/** Runs `work` with `bytes` of the budget reserved, first come, first served. Do not nest: the outer one would wait for itself. */
export async function withinReadBudget<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  const lease = budget.open();
  try {
    await lease.acquire(bytes);
    return await work();
  } finally {
    lease.release();
  }
}

/** Bytes reserved now. */
export const readBytesHeld = budget.held;
