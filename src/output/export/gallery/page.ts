// The gallery's one page. What producers wrote is not in it: the script reads that, and sets it as text. A browser is told
// to run exactly this script and what it loads, to use exactly this style, and to speak to nobody.
import { createHash } from "node:crypto";
import { DETAIL_SCRIPT } from "./detail-script.ts";
import { GRID_SCRIPT } from "./grid-script.ts";
import { GALLERY_STYLE } from "./style.ts";

const SCRIPT = `"use strict";\n${GRID_SCRIPT}${DETAIL_SCRIPT}start();\n`;

const POLICY = [
  "default-src 'none'",
  // the pages of lines are loaded by the script: named by a source, they would not count as our own where the page is a file
  `script-src '${hashOf(SCRIPT)}' 'strict-dynamic'`,
  `style-src '${hashOf(GALLERY_STYLE)}'`,
  "img-src 'self' file: data:",
  "form-action 'none'",
  "base-uri 'none'",
].join("; ");

/** The page of a gallery with so many images, on so many pages of lines. */
export function toGalleryPage({ images, pages }: { images: number; pages: number }): string {
  return `<!doctype html>
<html lang="en" data-images="${images}" data-pages="${pages}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="generator" content="asset-archiver">
<meta name="color-scheme" content="light dark">
<title>Gallery</title>
<link rel="icon" href="data:,">
<style>${GALLERY_STYLE}</style>
</head>
<body>
<header>
<h1 id="title">Gallery</h1>
<p id="count" role="status"></p>
<form id="filters" role="search">
<input id="words" type="search" placeholder="Search prompts, tags, ids" aria-label="Search prompts, tags and ids" autocomplete="off" spellcheck="false" enterkeyhint="search">
<select id="collection" aria-label="Collection"></select>
<select id="aspect" aria-label="Aspect ratio"></select>
<select id="order" aria-label="Order"><option value="">Oldest first</option><option value="newest">Newest first</option></select>
</form>
</header>
<main>
<div id="grid"></div>
<p id="empty" hidden></p>
<div id="end"></div>
</main>
<dialog id="detail" aria-label="Image" tabindex="-1">
<div class="stage">
<img id="picture" alt="">
<button id="before" class="turn" type="button" aria-label="Image before">‹</button>
<button id="after" class="turn" type="button" aria-label="Next image">›</button>
</div>
<aside>
<div class="bar"><span id="place"></span><button id="close" type="button" aria-label="Close">×</button></div>
<p id="prompt"></p>
<p id="negative" hidden></p>
<div id="tags" class="tags"></div>
<div class="actions"><button id="copy" type="button">Copy recipe</button><button id="copy-prompt" type="button">Copy prompt</button><a id="open" target="_blank" rel="noopener">Open</a></div>
<dl id="facts"></dl>
</aside>
</dialog>
<noscript><p class="note">This page needs JavaScript. The pictures are in the folders beside it.</p></noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
