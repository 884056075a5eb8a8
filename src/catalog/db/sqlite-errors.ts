// From SQLite's error codes to our error classes. The one place that knows them.
import { ArchiverError, ConfigError, TransientError } from "../../domain/errors.ts";

/**
 * What a failed statement means to a caller.
 *
 * | SQLite says | we say |
 * |---|---|
 * | FULL, IOERR, READONLY, CANTOPEN, PERM | ConfigError `catalog_unwritable`: work halts until the disk is mended |
 * | CORRUPT, NOTADB | ConfigError `catalog_broken` |
 * | BUSY, LOCKED, PROTOCOL, NOMEM | TransientError `catalog_busy` |
 * | anything else | itself: a bug of ours |
 */
export function toCatalogError(thrown: unknown, file: string): unknown {
  if (thrown instanceof ArchiverError) return thrown;
  const code = sqliteCode(thrown);
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (/^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|PERM)/.test(code)) {
    return new ConfigError(
      `Cannot write the catalog "${file}": ${reason} (${code}); nothing is lost, work goes on when the disk allows`,
      {
        code: "catalog_unwritable",
        cause: thrown,
      },
    );
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new ConfigError(`Cannot read the catalog "${file}": ${reason} (${code})`, {
      code: "catalog_broken",
      cause: thrown,
    });
  }
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL|NOMEM)/.test(code)) {
    return new TransientError(`Cannot use the catalog "${file}" just now: ${reason} (${code})`, {
      code: "catalog_busy",
      cause: thrown,
    });
  }
  return thrown;
}

/** Whether it was the database that failed (its disk, its lock, its memory) and not the statement. */
export function isOfTheDatabase(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code !== "" && !/^SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)/.test(code);
}

// drizzle wraps what the driver throws
function sqliteCode(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("code" in error && typeof error.code === "string" && error.code.startsWith("SQLITE_")) return error.code;
  }
  return "";
}
