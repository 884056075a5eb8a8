// For commands that go through a million lines: what they hold is little, and the heap is told to stay so.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Left to itself V8 lets short-lived objects fill some 100 MB before it looks at them, and the old ones grow to as much
 * again before the first time that it does: time is what it saves. Both are read anew by each collection, so they can be
 * set while the program runs, and one that is made at once sets the mark for the next; how large the heap may become in the
 * end is left alone.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=20");
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
}
