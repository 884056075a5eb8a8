// A statement prepared once: for each database its own, with what is handed over in the column's own form.
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/catalog/db/database.ts";
import { param, prepared } from "../../../src/catalog/db/prepared.ts";
import { integrityRuns } from "../../../src/catalog/schema/maintenance.ts";

test("A statement is prepared once for each database, and on that database", () => {
  const first = openDatabase(":memory:");
  const second = openDatabase(":memory:");
  let made = 0;
  const insert = prepared((db) => {
    made += 1;
    return db
      .insert(integrityRuns)
      .values({ run_id: param("id"), kind: "test", started_at: param("now") })
      .prepare();
  });
  insert(first.db).run({ id: "a", now: 1 });
  insert(first.db).run({ id: "b", now: 2 });
  insert(second.db).run({ id: "c", now: 3 });
  expect(made).toBe(2);
  const ids = [first, second].map(({ db }) => db.select({ id: integrityRuns.run_id }).from(integrityRuns).all());
  expect(ids).toEqual([[{ id: "a" }, { id: "b" }], [{ id: "c" }]]);
  first.close();
  second.close();
});

test("What is handed to an update is turned into the column's form, as a value would be", () => {
  const { db, close } = openDatabase(":memory:");
  db.insert(integrityRuns).values({ run_id: "a", kind: "test", started_at: 1 }).run();
  const end = prepared((db) =>
    db
      .update(integrityRuns)
      .set({ ended_at: param("now"), result: param("result") })
      .where(eq(integrityRuns.run_id, param("id")))
      .prepare(),
  );
  end(db).run({ id: "a", now: 2, result: { seen: [1, 2] } });
  expect(db.select().from(integrityRuns).get()).toMatchObject({ ended_at: 2, result: { seen: [1, 2] } });
  close();
});
