/** WebP: the container must be all there, and the first frame of an animation fill the canvas (twin: images/webp.py). */

import { AppError } from "../shared/errors";
import { startsWith, text, u16le, u24le, u32le, u8 } from "./bytes";
import { checkSize, type Size } from "./size";

const FLAGS_AT = 20;
const ANIMATED = 0x02;
const FIRST_CHUNK_AT = 12;

/** Return the size; throws E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE, E-IMAGE-FRAME. VP8X names the canvas (RFC 9649 §2). */
export function readWebp(bytes: Uint8Array): Size | null {
  if (bytes.length < 30 || 8 + u32le(bytes, 4) > bytes.length) return null;
  switch (text(bytes, FIRST_CHUNK_AT, 4)) {
    case "VP8X": {
      const size = checkSize(1 + u24le(bytes, 24), 1 + u24le(bytes, 27));
      if (u8(bytes, FLAGS_AT) & ANIMATED) checkFirstFrame(bytes, size);
      return size;
    }
    case "VP8 ":
      return checkSize(u16le(bytes, 26) & 0x3fff, u16le(bytes, 28) & 0x3fff);
    case "VP8L": {
      const bits = u32le(bytes, 21);
      return checkSize(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
    }
    default:
      throw new AppError("E-IMAGE-BROKEN");
  }
}

/** Browsers and Pillow fill what a smaller frame leaves free with different colours. */
function checkFirstFrame(bytes: Uint8Array, { width, height }: Size): void {
  let at = FIRST_CHUNK_AT;
  while (at + 8 <= bytes.length && !startsWith(bytes, "ANMF", at)) {
    const length = u32le(bytes, at + 4);
    at += 8 + length + (length % 2);
  }
  const frame = at + 8;
  if (frame + 12 > bytes.length) throw new AppError("E-IMAGE-BROKEN");
  const [x, y, w, h] = [0, 3, 6, 9].map((offset) => u24le(bytes, frame + offset));
  if (x !== 0 || y !== 0 || w !== width - 1 || h !== height - 1) throw new AppError("E-IMAGE-FRAME");
}
