/** GIF: the first frame must be all there and cover the whole screen (GIF89a §18–22; twin: images/gif.py). */

import { AppError } from "../shared/errors";
import { u16le, u8 } from "./bytes";
import { checkSize, type Size } from "./size";

/** Return the size; throws E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE, E-IMAGE-FRAME. */
export function readGif(bytes: Uint8Array): Size | null {
  if (bytes.length < 13) return null;
  const size = checkSize(u16le(bytes, 6), u16le(bytes, 8));
  let at = 13 + countTableBytes(u8(bytes, 10));
  while (u8(bytes, at) === 0x21) at = skipBlocks(bytes, at + 2);
  if (at + 10 >= bytes.length) return null;
  const hasTable = ((u8(bytes, 10) | u8(bytes, at + 9)) & 0x80) !== 0;
  if (u8(bytes, at) !== 0x2c || !hasTable) throw new AppError("E-IMAGE-BROKEN");
  if (skipBlocks(bytes, at + 11 + countTableBytes(u8(bytes, at + 9))) > bytes.length) return null;
  const [left, top] = [u16le(bytes, at + 1), u16le(bytes, at + 3)];
  const isWhole = left === 0 && top === 0 && u16le(bytes, at + 5) === size.width && u16le(bytes, at + 7) === size.height;
  if (!isWhole) throw new AppError("E-IMAGE-FRAME");
  return size;
}

function countTableBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/** The position after the empty block; beyond the end of the data if there is none. */
function skipBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && u8(bytes, at) !== 0) at += 1 + u8(bytes, at);
  return at + 1;
}
