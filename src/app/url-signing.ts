// Signed URLs of assets: whoever holds one may read that asset without a token, for as long as the key is kept.
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, toMessage } from "../domain/errors.ts";
import { makeFolderSync } from "../storage/make-folder.ts";
import { NEW_PRIVATE_FILE } from "../storage/private-files.ts";

/** What is signed: the URL of the bytes or of the small picture. A signature of one is no use for the other. */
export type SignedForm = "content" | "thumbnail";

export interface UrlSigner {
  /** For the query of the asset's URL. Throws ConfigError where the key cannot be used. */
  sign(digest: string, form: SignedForm): string;
  isSigned(digest: string, form: SignedForm, signature: string | undefined): boolean;
}

/** Signs with the key in `file`, which is made when it is first needed. Tokens may change, these URLs do not die. */
export function createUrlSigner({ file }: { file: string }): UrlSigner {
  let key: Buffer | undefined;
  const mac = (digest: string, form: SignedForm) => {
    key ??= readKey(file);
    return createHmac("sha256", key).update(`asset ${form} v1 ${digest}`).digest();
  };
  return {
    sign: (digest, form) => mac(digest, form).toString("base64url"),
    isSigned: (digest, form, signature) => {
      const given = Buffer.from(signature ?? "", "base64url");
      const wanted = mac(digest, form);
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

const KEY_BYTES = 32;

function readKey(file: string): Buffer {
  try {
    makeFolderSync(dirname(file));
    writeNew(file);
    const key = Buffer.from(readFileSync(file, "utf8").trim(), "base64url");
    if (key.length >= KEY_BYTES) return key;
  } catch (error) {
    throw new ConfigError(`Cannot use the key of asset URLs "${file}": ${toMessage(error)}`, {
      code: "url_key_unusable",
      cause: error,
    });
  }
  throw new ConfigError(`Cannot use the key of asset URLs "${file}": it is too short; remove it to have one made`, {
    code: "url_key_unusable",
  });
}

// of two servers that start together one makes it, and no one reads half of it
function writeNew(file: string): void {
  if (existsSync(file)) return;
  const whole = `${file}.${randomUUID()}`;
  writeFileSync(whole, `${randomBytes(KEY_BYTES).toString("base64url")}\n`, NEW_PRIVATE_FILE);
  try {
    linkSync(whole, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(whole);
  }
}
