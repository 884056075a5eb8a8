// Closing many things: one that fails leaves none of the others open.

/** Closes one thing. */
export type Close = () => unknown;

/** Runs all in their order, each to its end; then throws what failed: the error itself, or an AggregateError of several. */
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

/** The same for what may be closed at the same time. */
export async function closeTogether(closers: Iterable<Close>): Promise<void> {
  const ends = await Promise.allSettled([...closers].map(async (close) => close()));
  rethrow(ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : [])));
}

function rethrow(failures: readonly unknown[]): void {
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} of them could not be closed`);
}
