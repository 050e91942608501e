/** From the bytes of a file to the pixels that preprocessing starts with, by the rules of the entry. */

import { AppError } from "../shared/errors";
import { MAX_FILE_BYTES } from "../shared/limits";
import type { InputRef } from "../shared/manifest";
import { hideExif, readOrientation } from "./exif";
import { readSize } from "./header";
import { stuffScans } from "./jpeg";
import { decodeNatively, givesNatively } from "./native";
import { orient, toGray, toRgb, type Pixels } from "./pixels";
import { decodePng } from "./png";
import { sniff, type Format } from "./sniff";

/** Decode one image file; throws AppError with an E-IMAGE code. */
export async function decodeImage(bytes: Uint8Array<ArrayBuffer>, rules: InputRef): Promise<Pixels> {
  if (bytes.length > MAX_FILE_BYTES) throw new AppError("E-IMAGE-FILE-SIZE", { limit: MAX_FILE_BYTES >> 20 });
  const format = sniff(bytes);
  const { width, height } = readSize(format, bytes);
  const pixels = format === "png" ? await decodePng(bytes, rules) : await decodeByBrowser(bytes, format);
  if (pixels.width !== width || pixels.height !== height) throw new AppError("E-IMAGE-BROKEN");
  const turned = rules.exif === "apply" ? orient(pixels, readOrientation(format, bytes)) : pixels;
  return rules.channels === "gray" ? toGray(turned) : toRgb(turned);
}

async function decodeByBrowser(bytes: Uint8Array<ArrayBuffer>, format: Format): Promise<Pixels> {
  const upright = hideExif(format, bytes);
  const pixels = await decodeNatively(upright, format);
  const isWhole = format !== "jpeg" || (await givesNatively(stuffScans(upright), format, pixels));
  if (!isWhole) throw new AppError("E-IMAGE-TRUNCATED");
  return pixels;
}
