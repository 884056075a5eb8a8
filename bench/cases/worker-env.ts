// The settings that a real worker gets from every case: the API, an S3 and keys that nobody checks.
export interface Servers {
  api: number;
  s3: number;
}

/** `servers` are ports on loopback; `inFlight` jobs of each stage at once. */
export function workerEnv(servers: Servers, { inFlight }: { inFlight: number }): Record<string, string> {
  return {
    GENERATE_CONCURRENCY: String(inFlight),
    ARCHIVE_CONCURRENCY: String(inFlight),
    IMAGE_API_KEY: "bench",
    IMAGE_API_BASE_URL: `http://127.0.0.1:${servers.api}/v1`,
    PRIVATE_IMAGE_HOSTS: "127.0.0.1",
    STORAGE_URL: "s3://bench",
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${servers.s3}`,
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
  };
}
