/**
 * Size and completeness of a file, read from its structure before anything is decoded.
 *
 * Browsers show what there is of a truncated file; a prediction on half an image would be a wrong number, so every
 * reader also walks to the end of the image data and throws E-IMAGE-DAMAGED where it is missing.
 */

import { AppError } from "../shared/errors";
import { i32le, startsWith, text, u16be, u16le, u24le, u32be, u32le, u8 } from "./bytes";
import type { Format } from "./sniff";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Return the pixel size of a complete file; throws E-IMAGE-DAMAGED. */
export function readSize(format: Format, bytes: Uint8Array): Size {
  const size = READERS[format](bytes);
  if (size === null || size.width < 1 || size.height < 1) throw new AppError("E-IMAGE-DAMAGED");
  return size;
}

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

/** JPEG: the frame header, then the end marker after the last scan (ITU-T T.81 B.1). */
function readJpeg(bytes: Uint8Array): Size | null {
  let size: Size | null = null;
  let at = 2;
  while (at + 1 < bytes.length) {
    const marker = u8(bytes, at + 1);
    if (u8(bytes, at) !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 1; // entropy-coded data, fill bytes and restart markers
    } else if (marker === 0xd9) {
      return size;
    } else {
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) size = { height: u16be(bytes, at + 5), width: u16be(bytes, at + 7) };
      at += 2 + u16be(bytes, at + 2);
    }
  }
  return null;
}

/** BMP: uncompressed rows must all be there. */
function readBmp(bytes: Uint8Array): Size | null {
  const headerBytes = u32le(bytes, 14);
  const isCore = headerBytes === 12;
  const width = isCore ? u16le(bytes, 18) : i32le(bytes, 18);
  const height = Math.abs(isCore ? u16le(bytes, 20) : i32le(bytes, 22));
  const bits = u16le(bytes, isCore ? 24 : 28);
  const compression = isCore ? 0 : u32le(bytes, 30);
  const rowBytes = 4 * Math.ceil((width * bits) / 32);
  const isRaw = compression === 0 || compression === 3;
  const isShort = isRaw && u32le(bytes, 10) + rowBytes * height > bytes.length;
  return isShort || width < 1 ? null : { width, height };
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

/** GIF: the first image's data must end with an empty block (GIF89a §22). */
function readGif(bytes: Uint8Array): Size | null {
  const flags = u8(bytes, 10);
  let at = 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  while (u8(bytes, at) === 0x21) at = skipBlocks(bytes, at + 2);
  if (u8(bytes, at) !== 0x2c) return null;
  const local = u8(bytes, at + 9);
  const dataAt = at + 11 + (local & 0x80 ? 3 << ((local & 7) + 1) : 0);
  const end = skipBlocks(bytes, dataAt);
  return end > bytes.length ? null : { width: u16le(bytes, 6), height: u16le(bytes, 8) };
}

function skipBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && u8(bytes, at) !== 0) at += 1 + u8(bytes, at);
  return at + 1;
}
