// The page: one document that speaks to nobody but this server, and that a browser lets run as it stands.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openServed } from "./support.ts";

async function readPage() {
  const { ask } = await openServed({ API_TOKENS: "token-a" });
  const answer = await ask("/");
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  return { html: await answer.text(), policy: answer.headers.get("content-security-policy") ?? "" };
}

test.each(["script", "style"])("the policy lets exactly this %s run", async (name) => {
  const { html, policy } = await readPage();
  const texts = [...html.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(([, text = ""]) => text);
  expect(texts).toHaveLength(1);
  const hash = createHash("sha256")
    .update(texts[0] ?? "")
    .digest("base64");
  expect(policy).toContain(`${name}-src 'sha256-${hash}'`);
});

test("nothing comes from elsewhere, and nothing is written into the page as HTML", async () => {
  const { html, policy } = await readPage();
  expect(html).not.toMatch(/https?:\/\//);
  expect(html).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|\bon\w+="|style="/);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
});

test("the script is a script", async () => {
  const { html } = await readPage();
  const [, script = ""] = /<script>([\s\S]*?)<\/script>/.exec(html) ?? [];
  expect(() => new Function(script)).not.toThrow();
  // every element that it looks for is there
  const ids = [...script.matchAll(/\$\("(\w+)"\)/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(5);
  for (const id of ids) expect(html).toContain(`id="${id}"`);
});
