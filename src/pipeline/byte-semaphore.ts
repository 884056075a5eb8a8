// Room for the bytes of images: what a process holds of them at once is bounded by their size and not by their number, so
// that it can have many small ones in hand and still survive as many large ones. Pure.

/** A share of the memory. Whoever enters leaves, however it ends. */
export interface Lease {
  /**
   * Resolves when these bytes fit beside those of the others, first come, first served. What was taken before is given
   * back first: two who each hold something and wait for more would wait for ever.
   */
  acquire(bytes: number): Promise<void>;
  /** Gives everything back, and no longer waits. */
  release(): void;
}

export interface ByteSemaphore {
  open(): Lease;
  /** Bytes that are held now. */
  held(): number;
}

interface Waiter {
  bytes: number;
  grant(): void;
}

/** Room for `maxBytes`. More than that at once is let in alone: what is allowed to exist must be possible to copy. */
export function createByteSemaphore(maxBytes: number): ByteSemaphore {
  const waiting: Waiter[] = [];
  let held = 0;

  function grantNext(): void {
    for (
      let next = waiting[0];
      next !== undefined && (held === 0 || held + next.bytes <= maxBytes);
      next = waiting[0]
    ) {
      waiting.shift();
      held += next.bytes;
      next.grant();
    }
  }

  return {
    held: () => held,
    open: () => {
      let own = 0;
      let pending: Waiter | undefined;
      return {
        acquire: (bytes) => {
          held -= own;
          own = 0;
          const { promise, resolve } = Promise.withResolvers<void>();
          const grant = () => {
            own += bytes;
            pending = undefined;
            resolve();
          };
          pending = { bytes, grant };
          waiting.push(pending);
          grantNext();
          return promise;
        },
        release: () => {
          if (pending !== undefined) {
            waiting.splice(waiting.indexOf(pending), 1);
            pending = undefined;
          }
          held -= own;
          own = 0;
          grantNext();
        },
      };
    },
  };
}
