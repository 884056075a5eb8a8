// A folder that the `datasets` library loads as it is: load_dataset("imagefolder", data_dir=…).
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NEW_PRIVATE_FILE, PRIVATE_FOLDER } from "../../storage/private-files.ts";
import type { FolderFormat, Writing } from "./format.ts";
import { toDatasetRow } from "./metadata-row.ts";

export const IMAGEFOLDER: FolderFormat = {
  name: "imagefolder",
  about: "a folder for Hugging Face datasets: train/*.png and train/metadata.jsonl",
  to: "folder",
  wants: { images: true, thumbnails: false },
  open: openImagefolder,
};

/** Named for its split: without it, an image whose request is called "test-1" would be put into a split of that name. */
const SPLIT = "train";

async function openImagefolder(folder: string): Promise<Writing> {
  const split = join(folder, SPLIT);
  await mkdir(split, PRIVATE_FOLDER);
  const metadata = await open(join(split, "metadata.jsonl"), NEW_PRIVATE_FILE.flag, NEW_PRIVATE_FILE.mode);
  return {
    add: async (item) => {
      const { file } = item;
      if (file === undefined) return;
      await writeFile(join(split, file.name), file.bytes, { ...NEW_PRIVATE_FILE, flush: true });
      await metadata.appendFile(`${JSON.stringify(toDatasetRow(item))}\n`);
    },
    close: () => metadata.sync(),
    release: () => metadata.close(),
  };
}
