import { expect, test } from "vitest";
import { checkFlags, type ReproduceFlags } from "../../src/cli/reproduce/flags.ts";

const flags = (given: Partial<ReproduceFlags>): ReproduceFlags => ({ collection: "reproductions", ...given });

test.each<[string[], Partial<ReproduceFlags>, string]>([
  [[], {}, "wanted request ids, --sample or --report"],
  [["fox"], { report: true }, "one of them"],
  [["fox"], { sample: "3", budget: "3" }, "one of them"],
  [[], { sample: "3", report: true, budget: "3" }, "one of them"],
  [[], { sample: "3" }, "--sample: wanted --budget with it"],
  [["fox"], { model: "m" }, "--model: wanted with --sample or --report"],
  [[], { report: true, budget: "3" }, "--budget: wanted without --report"],
  [[], { report: true, dryRun: true }, "--dry-run: wanted without --report"],
  [["fox"], { collection: "" }, "--collection: wanted 1 to 100 characters"],
])("ids %j with %j are refused by name", (ids, given, message) => {
  expect(() => checkFlags(ids, flags(given))).toThrow(message);
});

test.each<[string[], Partial<ReproduceFlags>]>([
  [["fox"], {}],
  [["fox", "blue"], { budget: "3", dryRun: true }],
  [[], { sample: "3", budget: "2 USD", model: "m" }],
  [[], { sample: "3", dryRun: true }],
  [[], { report: true, model: "m" }],
])("ids %j with %j go together", (ids, given) => {
  expect(() => checkFlags(ids, flags(given))).not.toThrow();
});
