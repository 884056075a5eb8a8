// What the endpoints of one sandbox share. Types only.
import type { Bill } from "./bill.ts";
import type { ImageUrls } from "./image-url.ts";
import type { Painter } from "./painting/painter.ts";
import type { Switches } from "./switches.ts";

/** The parts of a running sandbox. `switches` may change at any time; endpoints read it once for each exchange. */
export interface Setup {
  switches: () => Readonly<Switches>;
  bill: Bill;
  painter: Painter;
  imageUrls: ImageUrls;
  now: () => number;
  /** The one key that is accepted; without it any will do. */
  apiKey: string | undefined;
  /** The origin of image URLs where it is not the one that the caller used. */
  publicUrl: string | undefined;
  /** Aborted when the sandbox closes. */
  closing: AbortSignal;
}
