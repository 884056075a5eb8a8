// Closes several resources. If closing one fails, the others are closed anyway.

/** Closes one resource. */
export type Close = () => unknown;

/** Closes all, one after the other. Then throws the error of the one that failed, or an AggregateError of several. */
export async function closeAll(closers: Iterable<Close>): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  rethrow(failures);
}

/** The same, concurrently. */
export async function closeTogether(closers: Iterable<Close>): Promise<void> {
  const ends = await Promise.allSettled([...closers].map(async (close) => close()));
  rethrow(ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : [])));
}

function rethrow(failures: readonly unknown[]): void {
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} of them could not be closed`);
}
