// Bounds the bytes of images that a process holds at a time: by size, not by count, so that it can work on many small images
// and does not run out of memory with as many large ones. Pure.

/** A share of the memory. The caller that opened it must release it. */
export interface Lease {
  /**
   * Resolves when these bytes fit, first come, first served. What this lease held before is released first: two leases that
   * each hold bytes and wait for more would deadlock.
   */
  acquire(bytes: number): Promise<void>;
  /** Releases all bytes, and cancels a pending acquire. */
  release(): void;
}

export interface ByteSemaphore {
  open(): Lease;
  /** Bytes held now. */
  held(): number;
}

interface Waiter {
  bytes: number;
  grant(): void;
}

/** A semaphore of `maxBytes`. A larger request is granted when nothing else is held, so that every allowed image can be copied. */
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
