// The grammar of REDIS_URL. Pure: whether a Redis answers there is found out by whoever connects.

const WANTED = "wanted redis://host:port or rediss://host:port, optionally with user:password@ and /<database number>";

/** What is wrong with a Redis address, or undefined. The value stays out of the message: it may hold a password. */
export function redisUrlFault(text: string): string | undefined {
  const trimmed = text.trim();
  if (/^rediss?-(cluster|sentinel):/i.test(trimmed))
    return "wanted the address of one primary, redis://host:port: Redis Cluster and Sentinel are not supported yet";
  const url = URL.parse(trimmed);
  if (url === null || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") return WANTED;
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return "wanted % in user and password to be written as %25";
  if (url.hash !== "") return "wanted # in user and password to be written as %23";
  return databaseFault(url);
}

// the client passes the path on as it stands: anything but a number would fail in the middle of its handshake
function databaseFault({ pathname, searchParams }: URL): string | undefined {
  const given = [pathname.replace(/^\//, ""), ...searchParams.getAll("db")].filter((one) => one !== "");
  if (given.every((one) => /^(0|[1-9]\d{0,5})$/.test(one))) return undefined;
  return "wanted a database number after the host, such as /0 or /3";
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
