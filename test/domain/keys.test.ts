// Where images lie, and which digest a key names.
import { expect, test } from "vitest";
import { imageDigest, imageKey } from "../../src/domain/keys.ts";

const digest = "ab".repeat(32);

test.each(["png", "jpg", "webp"] as const)("the key of a %s names its digest", (extension) => {
  expect(imageDigest(imageKey(digest, extension))).toBe(digest);
});

test.each([
  `images/cd/${digest}.png`,
  `images/ab/${digest}.gif`,
  `images/ab/${digest.toUpperCase()}.png`,
  `images/ab/${digest}0.png`,
  `other/images/ab/${digest}.png`,
  `thumbnails/ab/${digest}.webp`,
  "images/ab/notes.txt",
])("%s names none", (key) => {
  expect(imageDigest(key)).toBeUndefined();
});
