// The signature of an S3 request (AWS Signature Version 4, one chunk): pure, but for the key of the day that it remembers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
import { createHmac, hash } from "node:crypto";

/** A request as it will go out. Header names in lower case. */
export interface SignedRequest {
  method: string;
  /** Percent-encoded, as sent. */
  path: string;
  /** Names and values that need no encoding. */
  query: Readonly<Record<string, string>>;
  /** Those that are signed; "host", "x-amz-date" and "x-amz-content-sha256" among them. */
  headers: Readonly<Record<string, string>>;
}

export interface Signer {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

/** The value of the header "authorization". */
export function toAuthorization(request: SignedRequest, signer: Signer): string {
  const names = Object.keys(request.headers).sort();
  const { "x-amz-date": time = "", "x-amz-content-sha256": bodyDigest = "" } = request.headers;
  const lines = names.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`).join("");
  const signedNames = names.join(";");
  const query = Object.entries(request.query)
    .map((entry) => entry.join("="))
    .sort()
    .join("&");
  const canonical = `${request.method}\n${request.path}\n${query}\n${lines}\n${signedNames}\n${bodyDigest}`;
  const day = time.slice(0, 8);
  const scope = `${day}/${signer.region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash("sha256", canonical, "hex")}`;
  const signature = createHmac("sha256", keyOf(signer, day)).update(toSign).digest("hex");
  return `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
}

let known: { name: string; key: Buffer } | undefined;

function keyOf({ secretAccessKey, region }: Signer, day: string): Buffer {
  const name = `${day} ${region} ${secretAccessKey}`;
  if (known?.name === name) return known.key;
  const parts = [day, region, "s3", "aws4_request"];
  const key = parts.reduce<Buffer>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  known = { name, key };
  return key;
}
