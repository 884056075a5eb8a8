import { expect, test } from "vitest";
import { isMissingObject, toS3Error } from "../../src/store/s3-errors.ts";

const ACTION = { verb: "put", key: "a/b.png", bucket: "archive" };

function answered(status: number, name: string): Error {
  return Object.assign(new Error("No."), { name, $metadata: { httpStatusCode: status } });
}

function network(code: string, name = "Error"): Error {
  return Object.assign(new Error(""), { name, code });
}

test.each<[Error, string, string]>([
  [answered(403, "InvalidAccessKeyId"), "ConfigError", "store_credentials"],
  [answered(403, "SignatureDoesNotMatch"), "ConfigError", "store_credentials"],
  [answered(400, "ExpiredToken"), "ConfigError", "store_credentials"],
  [Object.assign(new Error("none"), { name: "CredentialsProviderError" }), "ConfigError", "store_credentials"],
  [answered(404, "NoSuchBucket"), "ConfigError", "store_bucket_missing"],
  [answered(301, "PermanentRedirect"), "ConfigError", "store_region"],
  [answered(301, "301"), "ConfigError", "store_region"],
  [answered(400, "AuthorizationHeaderMalformed"), "ConfigError", "store_region"],
  [answered(403, "QuotaExceeded"), "ConfigError", "store_full"],
  [answered(507, "XMinioStorageFull"), "ConfigError", "store_full"],
  [network("DEPTH_ZERO_SELF_SIGNED_CERT"), "ConfigError", "store_certificate"],
  [answered(400, "BadDigest"), "TransientError", "store_mismatch"],
  [answered(400, "XAmzContentSHA256Mismatch"), "TransientError", "store_mismatch"],
  [answered(400, "RequestTimeout"), "TransientError", "store_timeout"],
  [answered(408, "408"), "TransientError", "store_timeout"],
  [network("ETIMEDOUT", "TimeoutError"), "TransientError", "store_timeout"],
  [answered(503, "SlowDown"), "TransientError", "store_busy"],
  [answered(503, "ServiceUnavailable"), "TransientError", "store_busy"],
  [answered(429, "TooManyRequests"), "TransientError", "store_busy"],
  [answered(409, "OperationAborted"), "TransientError", "store_busy"],
  [answered(403, "AccessDenied"), "ConfigError", "store_access_denied"],
  [answered(403, "Unknown"), "ConfigError", "store_access_denied"],
  [answered(400, "InvalidArgument"), "ConfigError", "store_refused"],
  [answered(405, "MethodNotAllowed"), "ConfigError", "store_refused"],
  [answered(501, "NotImplemented"), "ConfigError", "store_refused"],
  [answered(500, "InternalError"), "TransientError", "store_failed"],
  [answered(502, "Unknown"), "TransientError", "store_failed"],
  [answered(200, "SyntaxError"), "TransientError", "store_failed"],
  [network("ECONNREFUSED", "AggregateError"), "TransientError", "store_unreachable"],
  [network("ECONNRESET"), "TransientError", "store_unreachable"],
  [network("ENOTFOUND"), "TransientError", "store_unreachable"],
])("%o becomes %s %s", (thrown, type, code) => {
  const error = toS3Error(thrown, ACTION);
  expect(error).toMatchObject({ name: type, code, cause: thrown });
  expect(error.message).toMatch(/^Cannot put "a\/b\.png" in bucket archive: \S/);
});

test.each<[string, Error, string]>([
  ["name, status and words", answered(500, "InternalError"), "No (InternalError, HTTP 500)"],
  ["a status alone", Object.assign(answered(503, "503"), { message: "UnknownError" }), "HTTP 503"],
  ["a network code without words", network("ETIMEDOUT", "AggregateError"), "ETIMEDOUT"],
])("a message tells %s", (_, thrown, text) => {
  expect(toS3Error(thrown, ACTION).message).toBe(`Cannot put "a/b.png" in bucket archive: ${text}`);
});

test.each([
  [answered(404, "NoSuchKey"), true],
  [answered(404, "NotFound"), true],
  [answered(404, "Unknown"), true],
  [answered(404, "NoSuchBucket"), false],
  [answered(403, "AccessDenied"), false],
  [new Error("x"), false],
])("%o is a missing object: %s", (thrown, missing) => {
  expect(isMissingObject(thrown)).toBe(missing);
});
