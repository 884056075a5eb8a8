// `catalog`: the group of commands that read and keep the catalog; one file for each verb in catalog/, loaded when it is asked
// for, as the commands are.
import type { AddCommand, CommandEntry } from "../command-entry.ts";

const VERBS: readonly CommandEntry[] = [
  {
    name: "list",
    about: "list requests, the newest first; those of a batch in the order of its manifest",
    load: async () => (await import("./catalog/list.ts")).addCatalogList,
  },
  {
    name: "search",
    about: "find requests by words of their prompts and by everything else",
    load: async () => (await import("./catalog/search.ts")).addCatalogSearch,
  },
  {
    name: "show",
    about: "show one request with its calls and images, or one image with its requests",
    load: async () => (await import("./catalog/show.ts")).addCatalogShow,
  },
  {
    name: "similar",
    about: "find images that look alike, the nearest first",
    load: async () => (await import("./catalog/similar.ts")).addCatalogSimilar,
  },
  {
    name: "export",
    about: "hand over what is archived, with the recipe of each image",
    load: async () => (await import("./catalog/export.ts")).addCatalogExport,
  },
  {
    name: "lock",
    about: "write a file for git that ties each request of a manifest to its images",
    load: async () => (await import("./catalog/lock.ts")).addCatalogLock,
  },
  {
    name: "check",
    about: "say from a lock file what is missing from the store or changed, by HEAD requests only",
    load: async () => (await import("./catalog/check.ts")).addCatalogCheck,
  },
  {
    name: "verify",
    about: "read back what is archived, and report what is missing, corrupt or unknown",
    load: async () => (await import("./catalog/verify.ts")).addCatalogVerify,
  },
  {
    name: "reproduce",
    about: "ask for recipes again, and compare what comes with what is archived",
    load: async () => (await import("./catalog/reproduce.ts")).addCatalogReproduce,
  },
  {
    name: "mirror",
    about: "copy to MIRROR_URL whatever has no second copy yet",
    load: async () => (await import("./catalog/mirror.ts")).addCatalogMirror,
  },
  {
    name: "backup",
    about: "copy the catalog, consistent and checked, while it is in use",
    load: async () => (await import("./catalog/backup.ts")).addCatalogBackup,
  },
  {
    name: "rebuild",
    about: "make a new catalog from what the store holds",
    load: async () => (await import("./catalog/rebuild.ts")).addCatalogRebuild,
  },
  {
    name: "edit",
    about: "change the collection, the tags or the note of requests",
    load: async () => (await import("./catalog/edit.ts")).addCatalogEdit,
  },
  {
    name: "delete",
    about: "let requests and their images go, after a time of grace",
    load: async () => (await import("./catalog/delete.ts")).addCatalogDelete,
  },
  {
    name: "undelete",
    about: "take deletions back, as long as the bytes are there",
    load: async () => (await import("./catalog/delete.ts")).addCatalogUndelete,
  },
];

/** Loads those verbs that are wanted; the others are in the group by name only. */
export async function loadCatalogCommand(isWanted: (name: string) => boolean): Promise<AddCommand> {
  const loaded = await Promise.all(VERBS.map(async (verb) => (isWanted(verb.name) ? verb.load(isWanted) : verb)));
  return (program, end) => {
    const group = program
      .command("catalog")
      .description("find, show and hand over what is archived")
      .addHelpText("after", EXAMPLES);
    for (const verb of loaded)
      if (typeof verb === "function") verb(group, end);
      else group.command(verb.name).description(verb.about);
  };
}

const EXAMPLES = `
Examples:
  $ asset-archiver catalog list --state failed
  $ asset-archiver catalog show fox-1
  $ asset-archiver catalog export --output assets.jsonl`;
