import { expect, test } from "vitest";
import { isMissingObject, toS3Error } from "../../src/storage/s3-errors.ts";

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
  [answered(403, "RequestTimeTooSkewed"), "ConfigError", "store_clock"],
  [answered(403, "SecondLevelDomainForbidden"), "ConfigError", "store_addressing"],
  [answered(403, "PathStyleDomainForbidden"), "ConfigError", "store_addressing"],
  [answered(400, "EntityTooLarge"), "ConfigError", "store_object_too_large"],
  [answered(413, "413"), "ConfigError", "store_object_too_large"],
  [answered(411, "MissingContentLength"), "ConfigError", "store_refused"],
  [network("EPROTO"), "ConfigError", "store_endpoint"],
  [network("HPE_INVALID_CONSTANT", "HTTPParserError"), "ConfigError", "store_endpoint"],
  [network("ERR_TLS_CERT_ALTNAME_INVALID"), "ConfigError", "store_certificate"],
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
  [network("UND_ERR_SOCKET", "SocketError"), "TransientError", "store_unreachable"],
  [network("UND_ERR_BODY_TIMEOUT", "BodyTimeoutError"), "TransientError", "store_timeout"],
  [network("UND_ERR_CONNECT_TIMEOUT", "ConnectTimeoutError"), "TransientError", "store_timeout"],
  [network("ENOTFOUND"), "TransientError", "store_unreachable"],
])("%o becomes %s %s", (thrown, type, code) => {
  const error = toS3Error(thrown, ACTION);
  expect(error).toMatchObject({ name: type, code, cause: thrown });
  expect(error.message).toMatch(/^Cannot put "a\/b\.png" in bucket archive: \S/);
});

test.each<[Error, string]>([
  [answered(403, "SecondLevelDomainForbidden"), "S3_FORCE_PATH_STYLE=false"],
  [answered(403, "InvalidAccessKeyId"), "AWS_ACCESS_KEY_ID"],
  [answered(403, "SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"],
  [answered(400, "ExpiredToken"), "AWS_SESSION_TOKEN"],
  [answered(403, "RequestTimeTooSkewed"), "NTP"],
  [answered(301, "PermanentRedirect"), "check AWS_REGION"],
  [Object.assign(answered(400, "AuthorizationHeaderMalformed"), { Region: "eu-west-1" }), "set AWS_REGION=eu-west-1"],
  [Object.assign(network("ENOTFOUND"), { hostname: "archive.s3.local" }), "S3_FORCE_PATH_STYLE=true"],
  [Object.assign(network("ERR_TLS_CERT_ALTNAME_INVALID"), { host: "archive.s3.test" }), "S3_FORCE_PATH_STYLE=true"],
  [new Error("Proxy response (403) !== 200 when HTTP Tunneling"), "HTTPS_PROXY"],
  [network("EPROTO"), "http:// or https://"],
])("%o names what to change: %s", (thrown, setting) => {
  expect(toS3Error(thrown, ACTION).message).toContain(setting);
});

test("a host that is not found is not blamed on the bucket where that is not part of it", () => {
  const thrown = Object.assign(network("ENOTFOUND"), { hostname: "s3.local" });
  expect(toS3Error(thrown, ACTION).message).not.toContain("PATH_STYLE");
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
