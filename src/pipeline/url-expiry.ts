// When a signed URL expires, as its query says in the forms of common signers. Pure.

/** Longer queries are not parsed. */
const QUERY_MAX_LENGTH = 16_384;
/** A number before 2001 is a duration, not a time. */
const EPOCH_MIN_S = 1e9;
/** A number beyond the year 5138 is in milliseconds. */
const EPOCH_MAX_S = 1e11;

/** Fields that contain the expiry itself: seconds or milliseconds since 1970, or ISO 8601. */
const EXPIRY_FIELDS = [
  "expires",
  "x-expires",
  "se",
  "exp",
  "expiry",
  "expires_at",
  "expiration",
  "expire",
  "e",
  "deadline",
];

/**
 * The expiry in ms since 1970, or undefined if the URL has none.
 *
 * | signer | query |
 * |---|---|
 * | AWS and S3 servers, Google, OSS, TOS, OBS (version 4) | `X-<vendor>-Date` and `X-<vendor>-Expires`, in seconds |
 * | S3 version 2, OSS, Google version 2, CloudFront | `Expires`, epoch |
 * | CloudFront with a policy | `Policy`, base64 of JSON with `AWS:EpochTime` |
 * | Azure | `se`, ISO 8601 |
 * | Tencent COS | `q-sign-time=<begin>;<end>` |
 * | Akamai | `hdnts`, `hdnea` or `__token__` with `exp=<epoch>` between tildes |
 * | Qiniu, Volcengine and others | `e`, `x-expires`, `exp`, … |
 */
export function urlExpiryMs(text: string): number | undefined {
  const url = URL.parse(text);
  if (url === null || url.search === "" || url.search.length > QUERY_MAX_LENGTH) return undefined;
  const fields = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  const signed = [ofVersion4(fields), ofSignTime(fields), ofPolicy(fields), ofToken(fields)];
  const named = EXPIRY_FIELDS.map((name) => toMs(fields.get(name)));
  const known = [...signed, ...named].filter((end) => end !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

type Fields = ReadonlyMap<string, string>;

function ofVersion4(fields: Fields): number | undefined {
  for (const [name, value] of fields) {
    const vendor = /^x-([a-z]{1,20})-date$/.exec(name)?.[1];
    const seconds = vendor === undefined ? undefined : fields.get(`x-${vendor}-expires`);
    const start = vendor === undefined ? undefined : toMs(value);
    if (start !== undefined && seconds !== undefined && /^\d{1,9}$/.test(seconds))
      return start + Number(seconds) * 1000;
  }
  return undefined;
}

function ofSignTime(fields: Fields): number | undefined {
  const times = fields.get("q-sign-time") ?? fields.get("q-key-time");
  return toMs(/^\d{1,15};(\d{1,15})$/.exec(times ?? "")?.[1]);
}

function ofPolicy(fields: Fields): number | undefined {
  const policy = fields.get("policy");
  if (policy === undefined) return undefined;
  // CloudFront's own alphabet
  const json = Buffer.from(
    policy.replace(/[-_~]/g, (char) => ({ "-": "+", _: "=", "~": "/" })[char] ?? char),
    "base64",
  );
  return toMs(
    /"DateLessThan"\s{0,9}:\s{0,9}\{\s{0,9}"AWS:EpochTime"\s{0,9}:\s{0,9}(\d{1,15})/.exec(json.toString("latin1"))?.[1],
  );
}

function ofToken(fields: Fields): number | undefined {
  const token = fields.get("hdnts") ?? fields.get("hdnea") ?? fields.get("__token__");
  return toMs(/(?:^|~)exp=(\d{1,15})(?:~|$)/.exec(token ?? "")?.[1]);
}

/** A time in any form that signers use. */
function toMs(value: string | undefined): number | undefined {
  if (value === undefined || value.length > 40) return undefined;
  if (/^\d{1,15}$/.test(value)) {
    const number = Number(value);
    if (number < EPOCH_MIN_S) return undefined;
    return number < EPOCH_MAX_S ? number * 1000 : number;
  }
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/i.exec(value);
  const [, year, month, day, hour, minute, second] = basic ?? [];
  const iso = basic === null ? value : `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d|$)/i.test(iso)) return undefined;
  // without a zone: UTC, since a signer does not know our local time
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(iso) || iso.length === 10 ? iso : `${iso}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
