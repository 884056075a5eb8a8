// The page at "/": what is going on, and the newest images. One document with everything in it; a browser is told to run
// exactly this script and this style, and to speak to nobody else.
import { createHash } from "node:crypto";
import type { Http } from "../context.ts";
import { PAGE_SCRIPT } from "../page/script.ts";
import { PAGE_STYLE } from "../page/style.ts";
import { addRoute } from "../route.ts";

const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(PAGE_SCRIPT)}'`,
  `style-src '${hashOf(PAGE_STYLE)}'`,
  // blob: is where images are that were fetched with a token
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>asset-archiver</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<svg viewBox="0 0 34 34" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linejoin="round" aria-hidden="true">
<rect x="3" y="4" width="28" height="8" rx="2"/><path d="M5.5 12v16a2 2 0 0 0 2 2h19a2 2 0 0 0 2-2V12"/>
<path d="m9 26 5-6 4 4 3-3 4 5"/><circle cx="22" cy="17" r="1.6"/></svg>
<h1>asset-archiver</h1><span id="live" class="live">looking</span>
</header>
<main>
<form id="token" class="token" hidden>
<label for="secret">This server wants one of its tokens (<code>API_TOKENS</code>). It stays in this tab.</label>
<div><input id="secret" type="password" autocomplete="off" required><button>Open</button></div>
</form>
<div id="content" hidden>
<section id="tiles" class="tiles" aria-label="Counts"></section>
<section id="notes" aria-live="polite"></section>
<h2>Newest requests</h2>
<section id="gallery" class="gallery"></section>
<p id="empty" class="empty" hidden>Nothing here yet. Try <code>asset-archiver enqueue "a red fox in the snow" --wait</code></p>
<button id="more" class="plain" type="button" hidden>Show more</button>
</div>
</main>
<dialog id="dialog"></dialog>
<noscript><p class="empty">The page needs JavaScript; <code>asset-archiver status</code> does not.</p></noscript>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;

export function addPage(http: Http): void {
  addRoute(
    http,
    {
      method: "get",
      path: "/",
      summary: "A page with the counts and the newest images",
      answers: { 200: { description: "the page", content: { "text/html": { schema: { type: "string" } } } } },
    },
    (c) =>
      c.body(PAGE, 200, {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      }),
  );
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
