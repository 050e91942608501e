/** From the bytes of a file to the pixels that preprocessing starts with, by the rules of the entry. */

import { AppError } from "../shared/errors";
import { MAX_FILE_BYTES, MAX_PIXELS } from "../shared/limits";
import type { InputRef } from "../shared/manifest";
import { hideExif, readOrientation } from "./exif";
import { readSize } from "./header";
import { decodeNatively } from "./native";
import { orient, toGray, toRgb, type Pixels } from "./pixels";
import { decodePng, isPackedInterlaced, keepPixelChunks } from "./png";
import { sniff, type Format } from "./sniff";

/** Decode one image file; throws AppError with an E-IMAGE code. */
export async function decodeImage(bytes: Uint8Array<ArrayBuffer>, rules: InputRef): Promise<Pixels> {
  if (bytes.length > MAX_FILE_BYTES) throw new AppError("E-IMAGE-FILE-SIZE", { limit: MAX_FILE_BYTES >> 20 });
  const format = sniff(bytes);
  const { width, height } = readSize(format, bytes);
  if (width * height > MAX_PIXELS) throw new AppError("E-IMAGE-TOO-LARGE", { width, height, limit: MAX_PIXELS / 1e6 });
  const pixels = await decodeFormat(format, bytes, rules);
  if (pixels.width !== width || pixels.height !== height) throw new AppError("E-IMAGE-BROKEN");
  const turned = rules.exif === "apply" ? orient(pixels, readOrientation(format, bytes)) : pixels;
  return rules.channels === "gray" ? toGray(turned) : toRgb(turned);
}

async function decodeFormat(format: Format, bytes: Uint8Array<ArrayBuffer>, rules: InputRef): Promise<Pixels> {
  if (format !== "png") return decodeNatively(hideExif(format, bytes), format);
  return isPackedInterlaced(bytes) ? decodeNatively(keepPixelChunks(bytes), format) : decodePng(bytes, rules);
}
