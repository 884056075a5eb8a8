// The thread that paints full-size pictures, so that the server goes on answering meanwhile. Started by painter.ts.
import { parentPort } from "node:worker_threads";
import { toMessage } from "../../../domain/errors.ts";
import { paint } from "./paint.ts";
import type { Picture } from "./picture.ts";

parentPort?.on("message", ({ number, picture }: { number: number; picture: Picture }) => {
  try {
    parentPort?.postMessage({ number, png: new Uint8Array(paint(picture)) });
  } catch (error) {
    parentPort?.postMessage({ number, fault: toMessage(error) });
  }
});
