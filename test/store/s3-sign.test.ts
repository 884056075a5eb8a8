// The signature on the example of its own documentation:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (PUT Object)
import { expect, test } from "vitest";
import { toAuthorization } from "../../src/store/s3-sign.ts";

const SIGNER = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
};
const PUT = {
  method: "PUT",
  path: "/test%24file.text",
  query: {},
  headers: {
    date: "Fri, 24 May 2013 00:00:00 GMT",
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
  },
};
const signatureOf = (authorization: string) => authorization.split("Signature=")[1];

test("An upload is signed as AWS signs it", () => {
  expect(toAuthorization(PUT, SIGNER)).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
      "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, " +
      "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  );
});

test("The key that is remembered is that of the day, the region and the secret", () => {
  const first = toAuthorization(PUT, SIGNER);
  const others = [
    toAuthorization(PUT, { ...SIGNER, region: "eu-west-1" }),
    toAuthorization(PUT, { ...SIGNER, secretAccessKey: "another" }),
    toAuthorization({ ...PUT, headers: { ...PUT.headers, "x-amz-date": "20130525T000000Z" } }, SIGNER),
  ];
  expect(new Set([first, ...others].map(signatureOf)).size).toBe(4);
  expect(toAuthorization(PUT, SIGNER)).toBe(first);
});
