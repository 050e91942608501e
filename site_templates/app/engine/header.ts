/**
 * Size and completeness of a file, read from its structure before anything is decoded.
 *
 * Browsers show what there is of a truncated file; a prediction on half an image would be a wrong number, so every
 * reader also walks to the end of the image data (twin: builder/webipred/images/completeness.py).
 */

import { AppError } from "../shared/errors";
import { readBmp } from "./bmp";
import { readGif } from "./gif";
import { readJpeg } from "./jpeg";
import { readPng } from "./png-chunks";
import type { Size } from "./size";
import type { Format } from "./sniff";
import { readWebp } from "./webp";

/** Each returns null where the file ends too early. */
const READERS: Readonly<Record<Format, (bytes: Uint8Array) => Size | null>> = {
  png: readPng,
  jpeg: readJpeg,
  bmp: readBmp,
  webp: readWebp,
  gif: readGif,
};

/** Return the pixel size of a complete file; throws E-IMAGE-TRUNCATED, -BROKEN, -TOO-LARGE, -FRAME, -FORMAT. */
export function readSize(format: Format, bytes: Uint8Array): Size {
  const size = READERS[format](bytes);
  if (size === null) throw new AppError("E-IMAGE-TRUNCATED");
  return size;
}
