// A program for the tests: opens a Redis with the options given as JSON, and closes it when a line comes on stdin.
// It ends by itself: what is left open somewhere keeps it alive, and the test waits for its end.
import { once } from "node:events";
import { openRedis } from "../../../src/dev/local-redis/open-redis.ts";

const said: string[] = [];

try {
  const options = JSON.parse(process.argv[2] ?? "{}") as { dataDir: string };
  const redis = await openRedis({ ...options, say: (line) => void said.push(line) });
  tell({ url: redis.url, startedByUs: redis.startedByUs, said });
  await once(process.stdin, "data");
  await redis.close();
} catch (error) {
  tell({ code: (error as { code?: string }).code, message: (error as Error).message, said });
  process.exitCode = 1;
} finally {
  process.stdin.destroy();
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
