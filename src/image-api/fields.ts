// Reads fields of foreign objects by their usual names, ignoring case and separators. Pure.

export type Fields = ReadonlyMap<string, unknown>;

/** The maximum number of fields read. */
const FIELDS_MAX = 200;

/** The fields of an object under their names in lower case without separators; undefined for anything but an object. */
export function toFields(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, unknown>();
  for (const [name, field] of Object.entries(value).slice(0, FIELDS_MAX)) {
    const key = name
      .slice(0, 60)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, "");
    if (!fields.has(key)) fields.set(key, field);
  }
  return fields;
}

/** The first of these fields that exists and is not null. */
export function pick(fields: Fields | undefined, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fields?.get(name);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}
