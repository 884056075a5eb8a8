// The flag of the commands that make a catalog where there is none.

export interface NewCatalogFlag {
  newCatalog?: boolean;
}

/** `--new-catalog`, with its words for `--help`. */
export const NEW_CATALOG_OPTION = [
  "--new-catalog",
  "begin a new catalog although the store holds an archive already",
] as const;
