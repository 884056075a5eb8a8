// Work on images in turns: each holds memory and a thread, so that all at once would be too much. Pure.

/** Runs at most `limit` tasks at a time, the others in the order they came. */
export function limitConcurrency(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // a turn is handed on, not given back, so that a newcomer cannot slip in between
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
