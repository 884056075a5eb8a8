// Translates errors of the AWS SDK into our errors. The only file that knows their names, codes and statuses.
import { type ArchiverError, ConfigError, TransientError } from "../domain/errors.ts";
import { toStreamError } from "../outbound/stream.ts";

/** Whether there is no such object. A missing bucket does not count, except for HEAD, which cannot distinguish the two. */
export function isMissingObject(thrown: unknown): boolean {
  const { name, status } = factsOf(thrown);
  return name === "NoSuchKey" || name === "NotFound" || (status === 404 && name !== "NoSuchBucket");
}

/**
 * The first matching row decides. Names are those of the S3 protocol, the SDK and Node.
 *
 * | error | becomes |
 * |---|---|
 * | an unknown key, a wrong secret, no keys, expired tokens | ConfigError `store_credentials` |
 * | a clock that is off | ConfigError `store_clock` |
 * | path style, where the store supports virtual-hosted style only | ConfigError `store_addressing` |
 * | no such bucket | ConfigError `store_bucket_missing` |
 * | another region | ConfigError `store_region` |
 * | a quota, a full store | ConfigError `store_full` |
 * | a certificate that is not trusted, or has another name | ConfigError `store_certificate` |
 * | http spoken to an https port, or the reverse | ConfigError `store_endpoint` |
 * | an object too large, 413 | ConfigError `store_object_too_large` |
 * | body damaged in transit | TransientError `store_mismatch` |
 * | 408, RequestTimeout, our own timeouts | TransientError `store_timeout` |
 * | 409, 429, SlowDown, 503 | TransientError `store_busy` |
 * | 403 of any other kind | ConfigError `store_access_denied` |
 * | another 4xx or 501: the store does not support the request | ConfigError `store_refused` |
 * | another answer | TransientError `store_failed` |
 * | no answer at all | TransientError `store_unreachable` |
 */
export function toS3Error(thrown: unknown, action: { verb: string; key: string; bucket: string }): ArchiverError {
  const facts = factsOf(thrown);
  const row = ROWS.find((row) => row.fits(facts)) ?? UNREACHABLE;
  const expected = typeof row.expected === "string" ? row.expected : row.expected(facts, action.bucket);
  const message = `Cannot ${action.verb} "${action.key}" in bucket ${action.bucket}: ${describe(facts)}${expected}`;
  return new row.type(message, { code: row.code, cause: withoutSignature(thrown) });
}

/** Whether a retry without the checksum might help: a store that does not know the header answers 400 or 501. */
export function mayRefuseChecksum(thrown: unknown): boolean {
  const facts = factsOf(thrown);
  return (facts.status === 400 || facts.status === 501) && !hasOtherCause(facts);
}

/** Whether the store says that the bytes do not match the digest. */
export function isChecksumMismatch(thrown: unknown): boolean {
  return MISMATCH(factsOf(thrown));
}

interface Facts {
  name: string;
  code: string;
  status: number | undefined;
  message: string;
  /** The host that was not found or has another certificate, and the bucket's region as the store reports it. */
  host: string;
  region: string;
}

interface Row {
  fits(facts: Facts): boolean;
  type: typeof ConfigError | typeof TransientError;
  code: string;
  /** What was expected, for the operator; empty if only a retry helps. */
  expected: string | ((facts: Facts, bucket: string) => string);
}

const isNamed = (names: string) => {
  const set = new Set(names.split(" "));
  return (facts: Facts) => set.has(facts.name) || set.has(facts.code);
};

const CREDENTIALS = isNamed(
  "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken TokenRefreshRequired InvalidClientTokenId UnrecognizedClientException CredentialsProviderError TokenProviderError",
);
const BUCKET_MISSING = isNamed("NoSuchBucket InvalidBucketName");
const REGION = isNamed(
  "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException",
);
const MISMATCH = isNamed(
  "BadDigest InvalidDigest IncompleteBody XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
);
const TIMEOUT = isNamed("RequestTimeout TimeoutError ETIMEDOUT");
const TOO_LARGE = isNamed("EntityTooLarge MaxMessageLengthExceeded");
/** Alibaba OSS, Tencent COS and Volcengine TOS support the bucket in the host name only. */
const ADDRESSING = isNamed("SecondLevelDomainForbidden PathStyleDomainForbidden InvalidPathAccess");
/** A 400 for another reason than our checksum header. */
const hasOtherCause = (facts: Facts) =>
  [CREDENTIALS, BUCKET_MISSING, REGION, TIMEOUT, TOO_LARGE, ADDRESSING, isNamed("KeyTooLongError")].some((is) =>
    is(facts),
  );

const UNREACHABLE: Row = {
  fits: () => true,
  type: TransientError,
  code: "store_unreachable",
  expected: (facts, bucket) =>
    `, wanted an answer from the store (network, AWS_ENDPOINT_URL_S3${isProxyFault(facts) ? ", the proxy in HTTPS_PROXY, or NO_PROXY" : ""})${pathStyleHint(facts, bucket)}`,
};

function isProxyFault({ message, status }: Facts): boolean {
  return status === undefined && /proxy/i.test(message);
}

/** A bucket in the host name needs DNS and a certificate for it, which self-hosted stores and names with dots lack. */
function pathStyleHint({ code, name, host }: Facts, bucket: string): string {
  const isName = /ENOTFOUND|EAI_AGAIN|ERR_TLS_CERT_ALTNAME_INVALID/.test(`${code} ${name}`);
  return isName && host.startsWith(`${bucket}.`)
    ? `; the bucket is part of the host's name: S3_FORCE_PATH_STYLE=true puts it into the path`
    : "";
}

const CREDENTIAL_ADVICE: Record<string, string> = {
  InvalidAccessKeyId: ", wanted a key that this store knows: check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL_S3",
  SignatureDoesNotMatch: ", wanted the secret of this key: check AWS_SECRET_ACCESS_KEY",
  ExpiredToken: ", wanted a token that is still valid: renew AWS_SESSION_TOKEN, or the profile's or role's",
  CredentialsProviderError: ", wanted keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role",
};

const ROWS: readonly Row[] = [
  {
    fits: CREDENTIALS,
    type: ConfigError,
    code: "store_credentials",
    expected: ({ name, code }) =>
      CREDENTIAL_ADVICE[name] ??
      CREDENTIAL_ADVICE[code] ??
      ", wanted valid keys: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role",
  },
  {
    fits: isNamed("RequestTimeTooSkewed RequestExpired"),
    type: ConfigError,
    code: "store_clock",
    expected: ", wanted a clock within 15 minutes of the store's: let this machine set its clock (NTP)",
  },
  {
    fits: ADDRESSING,
    type: ConfigError,
    code: "store_addressing",
    expected: ", wanted the bucket in the host's name: set S3_FORCE_PATH_STYLE=false",
  },
  {
    fits: BUCKET_MISSING,
    type: ConfigError,
    code: "store_bucket_missing",
    expected: ", wanted a bucket that exists: create it or check STORAGE_URL",
  },
  {
    fits: (facts) => REGION(facts) || [301, 307].includes(facts.status ?? 0),
    type: ConfigError,
    code: "store_region",
    expected: ({ region }) =>
      `, wanted the bucket's own region: ${region === "" ? "check AWS_REGION" : `set AWS_REGION=${region}`}`,
  },
  {
    fits: (facts) => isNamed("QuotaExceeded XMinioStorageFull StorageFull")(facts) || facts.status === 507,
    type: ConfigError,
    code: "store_full",
    expected: ", wanted free space in the store",
  },
  {
    fits: isNamed(
      "SELF_SIGNED_CERT_IN_CHAIN DEPTH_ZERO_SELF_SIGNED_CERT UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY CERT_HAS_EXPIRED ERR_TLS_CERT_ALTNAME_INVALID",
    ),
    type: ConfigError,
    code: "store_certificate",
    expected: (facts, bucket) =>
      `, wanted a certificate that Node trusts: check AWS_ENDPOINT_URL_S3 and NODE_EXTRA_CA_CERTS${pathStyleHint(facts, bucket)}`,
  },
  {
    fits: ({ code, name }) => /^(EPROTO|ERR_SSL_|HPE_)/.test(code) || /^HTTPParserError$/.test(name),
    type: ConfigError,
    code: "store_endpoint",
    expected: ", wanted a store that answers HTTP here: check http:// or https:// and the port in AWS_ENDPOINT_URL_S3",
  },
  { fits: MISMATCH, type: TransientError, code: "store_mismatch", expected: "" },
  {
    fits: (facts) => TIMEOUT(facts) || facts.status === 408,
    type: TransientError,
    code: "store_timeout",
    expected: "",
  },
  {
    fits: (facts) => TOO_LARGE(facts) || facts.status === 413,
    type: ConfigError,
    code: "store_object_too_large",
    expected: ", wanted a store, and a proxy before it, that takes objects of this size: raise its limit",
  },
  {
    fits: (facts) => isNamed("SlowDown Throttling")(facts) || [409, 429, 503].includes(facts.status ?? 0),
    type: TransientError,
    code: "store_busy",
    expected: "",
  },
  {
    // without s3:ListBucket, AWS also answers 403 for a missing object
    fits: (facts) => facts.status === 403,
    type: ConfigError,
    code: "store_access_denied",
    expected: ", wanted keys that are valid and allowed s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket",
  },
  {
    fits: ({ status = 0 }) => (status >= 400 && status < 500) || status === 501,
    type: ConfigError,
    code: "store_refused",
    expected: ", wanted a store that speaks S3: check AWS_ENDPOINT_URL_S3 and S3_FORCE_PATH_STYLE",
  },
  { fits: ({ status }) => status !== undefined, type: TransientError, code: "store_failed", expected: "" },
];

function factsOf(thrown: unknown): Facts {
  const error = toStreamError(thrown ?? {}) as {
    name?: unknown;
    Code?: unknown;
    code?: unknown;
    message?: unknown;
    hostname?: unknown;
    host?: unknown;
    Region?: unknown;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string> };
  };
  return {
    name: String(error.name ?? "Error"),
    code: String(error.Code ?? error.code ?? ""),
    status: error.$metadata?.httpStatusCode,
    message: String(error.message ?? ""),
    host: String(error.hostname ?? error.host ?? ""),
    region: String(error.$response?.headers?.["x-amz-bucket-region"] ?? error.Region ?? ""),
  };
}

// A HEAD has no body, and so neither name nor message; a network error has a code; the SDK's "Unknown" is dropped
function describe({ name, code, status, message }: Facts): string {
  const kind = status === undefined ? code || name : name;
  const label = [UNKNOWN.test(kind) ? "" : kind, status === undefined ? "" : `HTTP ${status}`]
    .filter(Boolean)
    .join(", ");
  const words = UNKNOWN.test(message) || message === name ? "" : message.replace(/\.$/, "");
  return words === "" ? label : `${words} (${label})`;
}

const UNKNOWN = /^(Unknown(Error)?|Error|\d+)?$/;

// The answer to a wrong signature repeats the signed request with its session token: must not be logged
function withoutSignature(thrown: unknown): unknown {
  if (typeof thrown === "object" && thrown !== null) {
    for (const field of SIGNED_FIELDS) Reflect.deleteProperty(thrown, field);
  }
  return thrown;
}

const SIGNED_FIELDS =
  "CanonicalRequest CanonicalRequestBytes StringToSign StringToSignBytes SignatureProvided AWSAccessKeyId".split(" ");
