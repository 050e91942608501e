/**
 * Size and completeness of a file, read from its structure before anything is decoded.
 *
 * Browsers show what there is of a truncated file; a prediction on half an image would be a wrong number, so every
 * reader also walks to the end of the image data (twin: builder/webipred/images/completeness.py).
 */

import { AppError } from "../shared/errors";
import { i32le, startsWith, text, u16be, u16le, u24le, u32be, u32le, u8 } from "./bytes";
import type { Format } from "./sniff";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Return the pixel size of a complete file; throws E-IMAGE-TRUNCATED, E-IMAGE-BROKEN, E-IMAGE-FRAME, E-IMAGE-FORMAT. */
export function readSize(format: Format, bytes: Uint8Array): Size {
  const size = READERS[format](bytes);
  if (size === null) throw new AppError("E-IMAGE-TRUNCATED");
  if (size.width < 1 || size.height < 1) throw new AppError("E-IMAGE-BROKEN");
  return size;
}

/** BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS. */
const UNCOMPRESSED = [0, 3, 6];

const READERS: Readonly<Record<Format, (bytes: Uint8Array) => Size | null>> = {
  png: readPng,
  jpeg: readJpeg,
  bmp: readBmp,
  webp: readWebp,
  gif: readGif,
};

/** PNG: IHDR first, IEND present (https://www.w3.org/TR/png-3/ §5). */
function readPng(bytes: Uint8Array): Size | null {
  if (!startsWith(bytes, "IHDR", 12)) return null;
  let at = 8;
  while (at + 12 <= bytes.length) {
    if (startsWith(bytes, "IEND", at + 4)) return { width: u32be(bytes, 16), height: u32be(bytes, 20) };
    at += 12 + u32be(bytes, at);
  }
  return null;
}

/** JPEG: from segment to segment, past the coded data of every scan, to the end marker (ITU-T T.81 B.1). */
function readJpeg(bytes: Uint8Array): Size | null {
  let size: Size = { width: 0, height: 0 };
  let at = 2;
  while (at + 2 <= bytes.length) {
    if (bytes[at] !== 0xff) at = skipToMarker(bytes, at);
    const marker = u8(bytes, at + 1);
    if (marker === 0xd9) return at + 2 <= bytes.length ? size : null;
    if (marker === 0xff) at += 1;
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else {
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) size = { height: u16be(bytes, at + 5), width: u16be(bytes, at + 7) };
      at += 2 + u16be(bytes, at + 2);
      if (marker === 0xda) at = skipToMarker(bytes, at);
    }
  }
  return null;
}

/** The next marker that is neither stuffing (FF 00), fill (FF FF) nor a restart (FF D0 … FF D7). */
function skipToMarker(bytes: Uint8Array, start: number): number {
  let at = bytes.indexOf(0xff, start);
  while (at >= 0 && at + 1 < bytes.length) {
    const follower = u8(bytes, at + 1);
    if (follower !== 0 && follower !== 0xff && !(follower >= 0xd0 && follower <= 0xd7)) return at;
    at = bytes.indexOf(0xff, follower === 0xff ? at + 1 : at + 2);
  }
  return bytes.length;
}

/** BMP: uncompressed rows must all be there; 16 bits a pixel are decoded differently by different programs. */
function readBmp(bytes: Uint8Array): Size | null {
  const isCore = u32le(bytes, 14) === 12;
  const width = isCore ? u16le(bytes, 18) : i32le(bytes, 18);
  const height = Math.abs(isCore ? u16le(bytes, 20) : i32le(bytes, 22));
  const bits = u16le(bytes, isCore ? 24 : 28);
  const compression = isCore ? 0 : u32le(bytes, 30);
  if (bits === 16) throw new AppError("E-IMAGE-FORMAT", { format: "BMP, 16 bit" });
  const rowBytes = 4 * Math.ceil((Math.abs(width) * bits) / 32);
  const isShort = UNCOMPRESSED.includes(compression) && u32le(bytes, 10) + rowBytes * height > bytes.length;
  return bytes.length < 26 || isShort ? null : { width, height };
}

/** WebP: RIFF container; VP8X names the canvas, VP8 and VP8L their own size (RFC 9649 §2). */
function readWebp(bytes: Uint8Array): Size | null {
  if (8 + u32le(bytes, 4) > bytes.length) return null;
  switch (text(bytes, 12, 4)) {
    case "VP8X":
      return { width: 1 + u24le(bytes, 24), height: 1 + u24le(bytes, 27) };
    case "VP8 ":
      return { width: u16le(bytes, 26) & 0x3fff, height: u16le(bytes, 28) & 0x3fff };
    case "VP8L": {
      const bits = u32le(bytes, 21);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    default:
      return null;
  }
}

/** GIF: the first image's data must end with an empty block (GIF89a §22) and cover the whole screen. */
function readGif(bytes: Uint8Array): Size | null {
  const size = { width: u16le(bytes, 6), height: u16le(bytes, 8) };
  let at = 13 + countTableBytes(u8(bytes, 10));
  while (u8(bytes, at) === 0x21) at = skipBlocks(bytes, at + 2);
  if (u8(bytes, at) !== 0x2c) return null;
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
