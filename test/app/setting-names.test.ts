import { expect, test } from "vitest";
import { findMisspelled } from "../../src/app/setting-names.ts";
import { SETTINGS } from "../../src/app/settings.ts";

const find = (...names: string[]) =>
  findMisspelled(Object.fromEntries(names.map((name) => [name, "x"])), Object.keys(SETTINGS.shape));

test.each([
  ["IMAGE_API_KEYS", "IMAGE_API_KEY"],
  ["GENERATE_CONCURENCY", "GENERATE_CONCURRENCY"],
  ["image_api_key", "IMAGE_API_KEY"],
  ["STORE_URL", "STORAGE_URL"],
  ["REDIS_URI", "REDIS_URL"],
  ["API_TOKEN", "API_TOKENS"],
  ["WEBHOOK_SECRETS", "WEBHOOK_SECRET"],
  ["PRIVATE_IMAGES_HOSTS", "PRIVATE_IMAGE_HOSTS"],
  ["URL_LIFE_TIME", "URL_LIFETIME"],
  ["IMAGE_API_URL", "IMAGE_API_BASE_URL"],
  ["AWS_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"],
])("%s was probably meant to be %s", (name, meant) => {
  expect(find(name)).toEqual([{ name, meant }]);
});

test.each([
  ...Object.keys(SETTINGS.shape),
  ...["http_proxy", "https_proxy", "no_proxy", "all_proxy", "FTP_PROXY", "ftp_proxy", "npm_config_proxy", "NODE_ENV"],
  ...["HOSTNAME", "POST", "PATH", "HOME", "LANG", "TERM", "USER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN"],
  ...["DATABASE_URL", "REDIS_HOST", "HTTP_PORT", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "LC_ALL", "DOCKER_HOST"],
])("%s is not suspected", (name) => {
  expect(find(name)).toEqual([]);
});

test("a misspelt name is reported beside the right one, and not where it is empty", () => {
  expect(find("IMAGE_API_KEY", "IMAGE_API_KEYS")).toHaveLength(1);
  expect(find("S3_ENDPOINT", "AWS_ENDPOINT_URL_S3")).toEqual([]);
  expect(findMisspelled({ IMAGE_API_KEYS: " " }, ["IMAGE_API_KEY"])).toEqual([]);
});
