// Merkle trees: the vectors of the reference implementation of RFC 6962, and the RFC's own recursive words.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leafHash, merkleRoot } from "../../../src/domain/lockfile/merkle.ts";

// https://github.com/google/certificate-transparency/blob/master/cpp/merkletree/merkle_tree_test.cc
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test.each(ROOTS.map((root, count) => [count, root]))(
  "the tree of the first %i leaves has its known root",
  (count, root) => {
    const leaves = LEAVES.slice(0, count).map((hex) => leafHash(Buffer.from(hex, "hex")));
    expect(merkleRoot(leaves).toString("hex")).toBe(root);
  },
);

/** MTH of RFC 9162, 2.1.1, as it is written there. */
function mth(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (only === undefined) return createHash("sha256").digest();
  if (hashes.length === 1) return only;
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return createHash("sha256")
    .update(Buffer.of(1))
    .update(mth(hashes.slice(0, k)))
    .update(mth(hashes.slice(k)))
    .digest();
}

test("the root of any leaves is that of the RFC's own words", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 70 }), (leaves) => {
      const hashes = leaves.map(leafHash);
      expect(merkleRoot(hashes)).toEqual(mth(hashes));
    }),
  );
});

test("a leaf that holds two hashes does not pass for the node above them", () => {
  const [a, b] = [leafHash("a"), leafHash("b")];
  expect(merkleRoot([leafHash(Buffer.concat([a, b]))])).not.toEqual(merkleRoot([a, b]));
});
