// From what the AWS SDK throws to our errors. The only place that knows its names, codes and statuses.
import { type ArchiverError, ConfigError, TransientError } from "../errors.ts";

/** Whether the answer was: there is no such object. A missing bucket is something else, save for HEAD, which cannot tell. */
export function isMissingObject(thrown: unknown): boolean {
  const { name, status } = factsOf(thrown);
  return name === "NoSuchKey" || name === "NotFound" || (status === 404 && name !== "NoSuchBucket");
}

/**
 * The first row that fits decides; names are those of the S3 protocol, of the SDK and of Node.
 *
 * | what came | becomes |
 * |---|---|
 * | refused or missing keys, expired tokens | ConfigError `store_credentials` |
 * | no such bucket | ConfigError `store_bucket_missing` |
 * | another region | ConfigError `store_region` |
 * | a quota, a full store | ConfigError `store_full` |
 * | a certificate that cannot be trusted | ConfigError `store_certificate` |
 * | body damaged on the way | TransientError `store_mismatch` |
 * | 408, RequestTimeout, our own timeouts | TransientError `store_timeout` |
 * | 409, 429, SlowDown, 503 | TransientError `store_busy` |
 * | 403 of any other kind | ConfigError `store_access_denied` |
 * | another 4xx or 501: the store does not take what we say | ConfigError `store_refused` |
 * | another answer | TransientError `store_failed` |
 * | no answer at all | TransientError `store_unreachable` |
 */
export function toS3Error(thrown: unknown, action: { verb: string; key: string; bucket: string }): ArchiverError {
  const facts = factsOf(thrown);
  const row = ROWS.find((row) => row.fits(facts)) ?? UNREACHABLE;
  const message = `Cannot ${action.verb} "${action.key}" in bucket ${action.bucket}: ${describe(facts)}${row.wanted}`;
  return new row.type(message, { code: row.code, cause: withoutSignature(thrown) });
}

interface Facts {
  name: string;
  code: string;
  status: number | undefined;
  message: string;
}

interface Row {
  fits(facts: Facts): boolean;
  type: typeof ConfigError | typeof TransientError;
  code: string;
  /** What the operator should look at; empty where there is nothing to do but to try again. */
  wanted: string;
}

const named = (names: string) => {
  const set = new Set(names.split(" "));
  return (facts: Facts) => set.has(facts.name) || set.has(facts.code);
};

const UNREACHABLE: Row = {
  fits: () => true,
  type: TransientError,
  code: "store_unreachable",
  wanted: ", wanted an answer from the store (network, AWS_ENDPOINT_URL_S3)",
};

const ROWS: readonly Row[] = [
  {
    fits: named(
      "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken TokenRefreshRequired InvalidClientTokenId UnrecognizedClientException CredentialsProviderError TokenProviderError",
    ),
    type: ConfigError,
    code: "store_credentials",
    wanted: ", wanted valid keys: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role",
  },
  {
    fits: named("NoSuchBucket InvalidBucketName"),
    type: ConfigError,
    code: "store_bucket_missing",
    wanted: ", wanted a bucket that exists: create it or check STORAGE_URL",
  },
  {
    fits: (facts) =>
      named("PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException")(
        facts,
      ) || [301, 307].includes(facts.status ?? 0),
    type: ConfigError,
    code: "store_region",
    wanted: ", wanted the bucket's own region: check AWS_REGION",
  },
  {
    fits: (facts) => named("QuotaExceeded XMinioStorageFull StorageFull")(facts) || facts.status === 507,
    type: ConfigError,
    code: "store_full",
    wanted: ", wanted free space in the store",
  },
  {
    fits: named(
      "SELF_SIGNED_CERT_IN_CHAIN DEPTH_ZERO_SELF_SIGNED_CERT UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY CERT_HAS_EXPIRED ERR_TLS_CERT_ALTNAME_INVALID",
    ),
    type: ConfigError,
    code: "store_certificate",
    wanted: ", wanted a certificate that Node trusts: check AWS_ENDPOINT_URL_S3 and NODE_EXTRA_CA_CERTS",
  },
  {
    fits: named("BadDigest InvalidDigest IncompleteBody XAmzContentSHA256Mismatch XAmzContentChecksumMismatch"),
    type: TransientError,
    code: "store_mismatch",
    wanted: "",
  },
  {
    fits: (facts) => named("RequestTimeout TimeoutError ETIMEDOUT")(facts) || facts.status === 408,
    type: TransientError,
    code: "store_timeout",
    wanted: "",
  },
  {
    fits: (facts) => named("SlowDown Throttling")(facts) || [409, 429, 503].includes(facts.status ?? 0),
    type: TransientError,
    code: "store_busy",
    wanted: "",
  },
  {
    // AWS answers 403 for an object that is missing, too, where s3:ListBucket is not granted
    fits: (facts) => facts.status === 403,
    type: ConfigError,
    code: "store_access_denied",
    wanted: ", wanted keys that are valid and allowed s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket",
  },
  {
    fits: ({ status = 0 }) => (status >= 400 && status < 500) || status === 501,
    type: ConfigError,
    code: "store_refused",
    wanted: ", wanted a store that speaks S3: check AWS_ENDPOINT_URL_S3 and S3_FORCE_PATH_STYLE",
  },
  { fits: ({ status }) => status !== undefined, type: TransientError, code: "store_failed", wanted: "" },
];

function factsOf(thrown: unknown): Facts {
  const error = (thrown ?? {}) as {
    name?: unknown;
    Code?: unknown;
    code?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  return {
    name: String(error.name ?? "Error"),
    code: String(error.Code ?? error.code ?? ""),
    status: error.$metadata?.httpStatusCode,
    message: String(error.message ?? ""),
  };
}

// A HEAD has no body, and so no name and no words; an error of the network has a code; the SDK's "Unknown" says nothing
function describe({ name, code, status, message }: Facts): string {
  const kind = status === undefined ? code || name : name;
  const label = [UNKNOWN.test(kind) ? "" : kind, status === undefined ? "" : `HTTP ${status}`]
    .filter(Boolean)
    .join(", ");
  const words = UNKNOWN.test(message) || message === name ? "" : message.replace(/\.$/, "");
  return words === "" ? label : `${words} (${label})`;
}

const UNKNOWN = /^(Unknown(Error)?|Error|\d+)?$/;

// The answer to a wrong signature repeats the signed request, session token and all: kept out of every log
function withoutSignature(thrown: unknown): unknown {
  if (typeof thrown === "object" && thrown !== null) {
    for (const field of SIGNED_FIELDS) Reflect.deleteProperty(thrown, field);
  }
  return thrown;
}

const SIGNED_FIELDS =
  "CanonicalRequest CanonicalRequestBytes StringToSign StringToSignBytes SignatureProvided AWSAccessKeyId".split(" ");
