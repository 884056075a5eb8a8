// A gallery in a folder: a page that opens from disk without a server. A browser lets such a page read no JSON, so the
// lines lie in scripts, a page of them each; they are written as they come, and read the same way.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NEW_PRIVATE_FILE, PRIVATE_FOLDER } from "../../storage/private-files.ts";
import type { ExportItem, FolderFormat, Writing } from "./format.ts";
import { toGalleryPage } from "./gallery/page.ts";

export const GALLERY: FolderFormat = {
  name: "gallery",
  about: "a folder with a page to look through in a browser, without a server",
  to: "folder",
  wants: { images: true, thumbnails: true },
  open: openGallery,
};

/** Lines in one script: about half a megabyte, so that the first pictures are there at once. */
const LINES = 500;

async function openGallery(folder: string): Promise<Writing> {
  for (const name of ["data", "thumbnails"]) await mkdir(join(folder, name), PRIVATE_FOLDER);
  const write = (name: string, content: string | Buffer) =>
    writeFile(join(folder, name), content, { ...NEW_PRIVATE_FILE, flush: true });
  let page: string[] = [];
  let pages = 0;
  let images = 0;
  const endPage = async () => {
    if (page.length === 0) return;
    pages += 1;
    await write(`data/${pages}.js`, `gallery([\n${page.join(",\n")}\n]);\n`);
    page = [];
  };
  return {
    add: async (item) => {
      const { file, number, thumbnail } = item;
      if (thumbnail === undefined) return;
      if (file !== undefined && number === 1) await mkdir(join(folder, "images"), PRIVATE_FOLDER);
      await Promise.all([
        write(`thumbnails/${number}.webp`, thumbnail),
        ...(file === undefined ? [] : [write(`images/${file.name}`, file.bytes)]),
      ]);
      page.push(toLine(item));
      images += 1;
      if (page.length >= LINES) await endPage();
    },
    close: async () => {
      await endPage();
      await write("index.html", toGalleryPage({ pages, images }));
    },
  };
}

// the export's own line, and where the picture is
function toLine({ line, file, number }: ExportItem): string {
  const where = { thumbnail: `thumbnails/${number}.webp`, file: file === undefined ? null : `images/${file.name}` };
  return JSON.stringify({ ...where, ...line });
}
