// Variables that look like a setting and are none: nobody reads them, and nothing would say so. Pure.
import { nearest } from "../domain/request/nearest.ts";

/** A variable that is set, and the setting that was probably meant. */
export interface MisspelledSetting {
  name: string;
  meant: string;
}

/** Names that other programs have for what is meant here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  IMAGE_API_URL: "IMAGE_API_BASE_URL",
  S3_ENDPOINT: "AWS_ENDPOINT_URL_S3",
  S3_ENDPOINT_URL: "AWS_ENDPOINT_URL_S3",
  AWS_ENDPOINT: "AWS_ENDPOINT_URL_S3",
  AWS_S3_ENDPOINT: "AWS_ENDPOINT_URL_S3",
  AWS_S3_ENDPOINT_URL: "AWS_ENDPOINT_URL_S3",
  S3_REGION: "AWS_REGION",
  S3_BUCKET: "STORAGE_URL",
};

/** Set on many machines for other programs, and near to one of ours by chance. */
const OTHERS = /^(FTP|RSYNC|SOCKS|GRPC|NPM)_PROXY$|^(AWS|NPM|NODE)_/;

/** The misspelled settings of an environment, in its order. */
export function findMisspelled(
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly string[],
): MisspelledSetting[] {
  return Object.keys(environment).flatMap((name) => {
    if ((environment[name] ?? "").trim() === "" || settings.includes(name)) return [];
    const other = OTHER_NAMES[name];
    // another program's, where ours is set beside it
    if (other !== undefined) return (environment[other] ?? "").trim() === "" ? [{ name, meant: other }] : [];
    const meant = nearestSetting(name, settings);
    return meant === undefined ? [] : [{ name, meant }];
  });
}

// short names and single words are near to anything
function nearestSetting(name: string, settings: readonly string[]): string | undefined {
  const upper = name.toUpperCase();
  if (!name.includes("_") || OTHERS.test(upper)) return undefined;
  // the proxies' lower-case names are read
  if (upper !== name && /_PROXY$/.test(upper)) return undefined;
  return nearest(upper, settings, Math.floor(name.length / 4));
}
