// `catalog`: the group of commands that read the catalog; one file for each verb in catalog/.
import type { Command } from "commander";
import { addCatalogBackup } from "./catalog/backup.ts";
import { addCatalogCheck } from "./catalog/check.ts";
import { addCatalogDelete, addCatalogUndelete } from "./catalog/delete.ts";
import { addCatalogEdit } from "./catalog/edit.ts";
import { addCatalogExport } from "./catalog/export.ts";
import { addCatalogList } from "./catalog/list.ts";
import { addCatalogLock } from "./catalog/lock.ts";
import { addCatalogMirror } from "./catalog/mirror.ts";
import { addCatalogRebuild } from "./catalog/rebuild.ts";
import { addCatalogReproduce } from "./catalog/reproduce.ts";
import { addCatalogSearch } from "./catalog/search.ts";
import { addCatalogShow } from "./catalog/show.ts";
import { addCatalogSimilar } from "./catalog/similar.ts";
import { addCatalogVerify } from "./catalog/verify.ts";

/** Adds one verb to the group; it calls `end` with its exit code. */
export type AddVerb = (group: Command, end: (code: number) => void) => void;

const VERBS: readonly AddVerb[] = [
  addCatalogList,
  addCatalogSearch,
  addCatalogShow,
  addCatalogSimilar,
  addCatalogExport,
  addCatalogLock,
  addCatalogCheck,
  addCatalogVerify,
  addCatalogReproduce,
  addCatalogMirror,
  addCatalogBackup,
  addCatalogRebuild,
  addCatalogEdit,
  addCatalogDelete,
  addCatalogUndelete,
];

export function addCatalogCommand(program: Command, end: (code: number) => void): void {
  const group = program
    .command("catalog")
    .description("find, show and hand over what is archived")
    .addHelpText("after", EXAMPLES);
  for (const add of VERBS) add(group, end);
}

const EXAMPLES = `
Examples:
  $ asset-archiver catalog list --state failed
  $ asset-archiver catalog show fox-1
  $ asset-archiver catalog export --output assets.jsonl`;
