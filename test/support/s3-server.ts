// An S3 server inside the test: a bucket on loopback, or one at S3_TEST_ENDPOINT. Proves the calls; guarantees differ from server to server.
import { randomBytes } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { buildApp } from "fauxqs";

/** How to reach a test's bucket; fits createS3Store's options. */
export interface S3TestBucket {
  endpoint: string;
  bucket: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  forcePathStyle: true;
}

/** A server of one's own, with an empty bucket, gone with `close`. */
export interface S3TestServer extends S3TestBucket {
  close(): Promise<void>;
}

/** Starts an S3 server in this process. It checks no signatures. */
export async function startS3Server(): Promise<S3TestServer> {
  // startFauxqs would listen on all interfaces
  const app = buildApp({ logger: false });
  const endpoint = await app.listen({ host: "127.0.0.1", port: 0 });
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const place = { endpoint, bucket: "archive", region: "us-east-1", credentials, forcePathStyle: true as const };
  await createBucket(place);
  return { ...place, close: () => app.close() };
}

/** The bucket at S3_TEST_ENDPOINT: S3_TEST_BUCKET, or one made now; undefined where no endpoint is given. */
export async function findRealBucket(): Promise<S3TestBucket | undefined> {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_BUCKET, AWS_REGION: region = "us-east-1" } = process.env;
  if (endpoint === undefined || endpoint === "") return undefined;
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = process.env;
  const bucket = S3_TEST_BUCKET ?? `archiver-test-${randomBytes(6).toString("hex")}`;
  const place = {
    endpoint,
    bucket,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true as const,
  };
  if (S3_TEST_BUCKET === undefined) await createBucket(place);
  return place;
}

async function createBucket({ bucket, ...config }: S3TestBucket): Promise<void> {
  const client = new S3Client(config);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}
