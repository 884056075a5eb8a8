import { expect, test } from "vitest";
import { isAbsence, toDirectoryError } from "../../src/storage/directory-errors.ts";

const thrownWith = (code: string) => Object.assign(new Error(`${code}: no`), { code });

test.each([
  ["ENOSPC", "put", "ConfigError", "store_full"],
  ["EDQUOT", "put", "ConfigError", "store_full"],
  ["EACCES", "put", "ConfigError", "store_unwritable"],
  ["EROFS", "delete", "ConfigError", "store_unwritable"],
  ["EACCES", "get", "ConfigError", "store_unreadable"],
  ["EPERM", "list", "ConfigError", "store_unreadable"],
  ["EXDEV", "put", "ConfigError", "store_unwritable"],
  ["EIO", "put", "TransientError", "store_failed"],
  ["EMFILE", "get", "TransientError", "store_failed"],
])("%s at %s becomes %s %s", (code, verb, type, expected) => {
  const error = toDirectoryError(thrownWith(code), { verb, key: "a.png", base: "/data" });
  expect(error).toMatchObject({ name: type, code: expected });
  expect(error.message).toMatch(new RegExp(`^Cannot ${verb} "a.png" in the directory /data: .*${code}`));
});

test.each([
  ["ENOENT", true],
  ["ENOTDIR", true],
  ["EISDIR", true],
  ["EACCES", false],
])("%s means that there is no such object: %s", (code, absent) => {
  expect(isAbsence(thrownWith(code))).toBe(absent);
});
