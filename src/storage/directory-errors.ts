// Translates file system errors into our errors. The only file that knows their codes.
import { type ArchiverError, ConfigError, TransientError, toMessage } from "../domain/errors.ts";

/** Whether a file system error means that there is no such object. */
export function isAbsence(thrown: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR"].includes(codeOf(thrown));
}

/**
 * | code | becomes |
 * |---|---|
 * | ENOSPC, EDQUOT, EFBIG | ConfigError `store_full` |
 * | EACCES, EPERM, EROFS, ENOTSUP, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EXDEV, ELOOP, ENAMETOOLONG | ConfigError `store_unwritable` or `store_unreadable` |
 * | anything else (EIO, EMFILE, EBUSY, …) | TransientError `store_failed` |
 */
export function toDirectoryError(thrown: unknown, action: { verb: string; key: string; base: string }): ArchiverError {
  const { verb, key, base } = action;
  const code = codeOf(thrown);
  const what = `Cannot ${verb} "${key}" in the directory ${base}`;
  if (FULL.has(code)) {
    return new ConfigError(`${what}: the disk is full or a quota is reached (${code}), wanted free space`, {
      code: "store_full",
      cause: thrown,
    });
  }
  if (FORBIDDEN.has(code)) {
    const writing = verb === "put" || verb === "delete";
    const wanted = `wanted a folder this user may ${writing ? "write" : "read"}: check STORAGE_URL and its owner`;
    return new ConfigError(`${what}: got ${code}, ${wanted}`, {
      code: writing ? "store_unwritable" : "store_unreadable",
      cause: thrown,
    });
  }
  return new TransientError(`${what}: ${toMessage(thrown)}`, { code: "store_failed", cause: thrown });
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const FORBIDDEN = new Set(
  "EACCES EPERM EROFS ENOTSUP ENOTDIR EISDIR EEXIST ENOTEMPTY EXDEV ELOOP ENAMETOOLONG".split(" "),
);

function codeOf(thrown: unknown): string {
  return String((thrown as { code?: unknown } | undefined)?.code ?? "");
}
