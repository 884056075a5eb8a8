import { isAbsolute } from "node:path";
import { expect, test } from "vitest";
import { RejectedError } from "../../src/domain/errors.ts";
import { openStore } from "../../src/storage/open.ts";
import { parseStorageUrl } from "../../src/storage/storage-url.ts";

test.each([
  ["file:./data/archive", "./data/archive"],
  ["file:data", "data"],
  ["file:/srv/archive", "/srv/archive"],
  ["file:///srv/archive", "/srv/archive"],
  ["file:///srv/my%20archive", "/srv/my archive"],
  ["file://localhost/srv/archive", "/srv/archive"],
  ["file:./100%", "./100%"],
  [" FILE:./data ", "./data"],
])("%j is the directory %s", (text, path) => {
  expect(parseStorageUrl(text)).toEqual({ kind: "directory", path });
});

test.each([
  ["s3://bucket", "bucket", ""],
  ["s3://bucket/", "bucket", ""],
  ["s3://my-bucket.de/a", "my-bucket.de", "a"],
  ["s3://bucket/a/b/", "bucket", "a/b"],
  ["S3://bucket/Team A", "bucket", "Team A"],
])("%j is the bucket %s with the prefix %j", (text, bucket, prefix) => {
  expect(parseStorageUrl(text)).toEqual({ kind: "s3", bucket, prefix });
});

test.each([
  ["", /^wanted file:<directory> or s3:/],
  ["./data", /put file: before the path/],
  ["https://bucket.example", /^wanted file:<directory> or s3:/],
  ["file:", /wanted a directory/],
  ["file://data/archive", /absolute path/],
  ["file://./data", /absolute path/],
  ["file:///data?x=1", /%3F/],
  ["file:///%zz", /percent-escapes/],
  ["file:///a%2fb", /percent-escapes/],
  ["s3://", /bucket name/],
  ["s3://ab", /bucket name/],
  ["s3://Bucket", /bucket name/],
  ["s3://a_bucket", /bucket name/],
  ["s3://bucket..x", /bucket name/],
  ["s3://-bucket", /bucket name/],
  ["s3://192.168.0.1", /bucket name/],
  ["s3://host:9000/bucket", /bucket only/],
  ["s3://bucket/a//b", /prefix: wanted no empty part/],
  ["s3://bucket/../b", /prefix: wanted no \. or \.\. part/],
  ["s3://bucket/a?region=x", /without \? and #/],
  [`s3://bucket/${"a".repeat(201)}`, /at most 200/],
])("%j is refused", (text, message) => {
  expect(() => parseStorageUrl(text)).toThrow(RejectedError);
  expect(() => parseStorageUrl(text)).toThrow(message);
});

test("keys in the URL are refused without repeating them", () => {
  const parse = () => parseStorageUrl("s3://AKID:s3cr3t@bucket/a");
  expect(parse).toThrow(/AWS_/);
  expect(parse).not.toThrow(/s3cr3t/);
});

test("a store is opened of either kind, and says where a key is", async () => {
  const directory = openStore({ kind: "directory", path: "./data/archive" });
  expect(isAbsolute(directory.locate("a/b.png"))).toBe(true);
  expect(directory.locate("a/b.png")).toMatch(/\/data\/archive\/a\/b\.png$/);
  const bucket = openStore({ kind: "s3", bucket: "bucket", prefix: "x", forcePathStyle: false });
  expect(bucket.locate("a/b.png")).toBe("s3://bucket/x/a/b.png");
  await directory.close();
  await bucket.close();
});
