import { expect, it } from "vitest";
import { type SidecarWalk, walkSidecars } from "../../src/maintenance/walk-sidecars.ts";

const PAGES = [["a", "b"], ["c", "d"], ["e"]];

/** A walk over five sidecars of which `faulty` are so; it is over after `pages`. What is looked at and noted is kept. */
function walkOf({
  progress = null,
  pages = 9,
  faulty = [] as string[],
}: {
  progress?: unknown;
  pages?: number;
  faulty?: string[];
}) {
  const seen: string[] = [];
  const noted: unknown[] = [];
  let left = pages;
  const walk: SidecarWalk = {
    integrity: {
      *listWithSidecar(after = "") {
        yield* PAGES.map((page) => page.filter((id) => id > after)).filter((page) => page.length > 0);
      },
      recordProgress: async (_, at) => void noted.push(at),
    },
    run: { run_id: "run", progress: progress as SidecarWalk["run"]["progress"] },
    look: async (id) => {
      seen.push(id);
      return faulty.includes(id);
    },
    isOver: () => --left <= 0,
  };
  return { walk, seen, noted };
}

it("goes on behind the last page, and looks again at what was faulty: somebody may have mended it", async () => {
  const first = walkOf({ pages: 2, faulty: ["b", "c"] });
  expect(await walkSidecars(first.walk)).toBe(false);
  expect(first.seen).toEqual(["a", "b", "c", "d"]);
  const progress = first.noted.at(-1);
  expect(progress).toEqual({ after: "d", suspects: ["b", "c"] });
  const second = walkOf({ progress, faulty: ["c", "e"] });
  expect(await walkSidecars(second.walk)).toBe(true);
  expect(second.seen).toEqual(["b", "c", "e"]);
  expect(second.noted.at(-1)).toEqual({ after: "e", suspects: ["c", "e"] });
});

it("begins at the beginning where nothing fits what was noted", async () => {
  for (const progress of [null, {}, "d", { after: 1 }]) {
    const { walk, seen } = walkOf({ progress });
    expect(await walkSidecars(walk)).toBe(true);
    expect(seen).toEqual(PAGES.flat());
  }
});
