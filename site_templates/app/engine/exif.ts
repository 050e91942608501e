/**
 * EXIF orientation: read here, and taken out of the file before a browser decodes it.
 *
 * Browsers apply the orientation always, whatever `imageOrientation` says; the entry decides, so they may not see it.
 */

import { startsWith, u16be, u16le, u32be, u32le } from "./bytes";
import type { Format } from "./sniff";

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const APP1 = 0xe1;
const SCAN = 0xda;

/** Return the orientation 1…8; 1 where the file names none. */
export function readOrientation(format: Format, bytes: Uint8Array): number {
  const isNamed = ({ name }: Block): boolean => format !== "jpeg" || startsWith(bytes, "Exif\0\0", name);
  const block = findBlocks(format, bytes).find(isNamed);
  return block ? readTiff(bytes.subarray(block.tiff, block.end)) : 1;
}

/** Return the bytes without EXIF: same length, the block's name overwritten so that no decoder finds it. */
export function hideExif(format: Format, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const blocks = findBlocks(format, bytes);
  if (blocks.length === 0) return bytes;
  const copy = bytes.slice();
  for (const { name, nameBytes } of blocks) copy.fill(0x78, name, name + nameBytes);
  return copy;
}

interface Block {
  readonly name: number;
  readonly nameBytes: number;
  readonly tiff: number;
  readonly end: number;
}

function findBlocks(format: Format, bytes: Uint8Array): Block[] {
  if (format === "jpeg") return findJpegBlocks(bytes);
  if (format === "webp") return findChunks(bytes, 12, u32le, "EXIF", 0);
  if (format === "png") return findChunks(bytes, 8, u32be, "eXIf", 4);
  return [];
}

/**
 * Every APP1 segment before the first scan, whatever it calls itself: decoders differ in which of them are EXIF to them.
 * Fill bytes, restart markers and stray bytes between segments are skipped, as decoders do (ITU-T T.81 B.1.1).
 */
function findJpegBlocks(bytes: Uint8Array): Block[] {
  const blocks: Block[] = [];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at + 1] !== SCAN) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0xff) at += 1;
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else {
      const end = at + 2 + u16be(bytes, at + 2);
      if (marker === APP1) blocks.push({ name: at + 4, nameBytes: Math.max(0, Math.min(6, end - at - 4)), tiff: at + 10, end });
      at = end;
    }
  }
  return blocks;
}

/** Chunks of RIFF (name, length, data, padded) and PNG (length, name, data, checksum). */
function findChunks(
  bytes: Uint8Array,
  start: number,
  readLength: (bytes: Uint8Array, at: number) => number,
  wanted: string,
  nameOffset: 0 | 4,
): Block[] {
  const blocks: Block[] = [];
  let at = start;
  while (at + 8 <= bytes.length) {
    const length = readLength(bytes, at + 4 - nameOffset);
    const data = at + 8;
    if (startsWith(bytes, wanted, at + nameOffset)) {
      const prefix = startsWith(bytes, "Exif\0\0", data) ? 6 : 0;
      blocks.push({ name: at + nameOffset, nameBytes: 4, tiff: data + prefix, end: data + length });
    }
    at = data + length + (nameOffset === 4 ? 4 : length % 2);
  }
  return blocks;
}

/** Read the tag from the first directory of a TIFF block (Exif 2.32 §4.6; twin: images/orientation.py). */
function readTiff(tiff: Uint8Array): number {
  const isLittle = startsWith(tiff, "II*\0");
  if (!isLittle && !startsWith(tiff, "MM\0*")) return 1;
  const u16 = isLittle ? u16le : u16be;
  const directory = (isLittle ? u32le : u32be)(tiff, 4);
  const end = Math.min(directory + 2 + 12 * u16(tiff, directory), tiff.length - 11);
  for (let entry = directory + 2; entry < end; entry += 12) {
    if (u16(tiff, entry) !== ORIENTATION_TAG || u16(tiff, entry + 2) !== SHORT) continue;
    const value = u16(tiff, entry + 8);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
