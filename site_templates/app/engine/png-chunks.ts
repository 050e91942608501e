/** PNG, outer part: chunks, and the image data in them (PNG, third edition, §5, §10; twin: images/png.py). */

import { AppError } from "../shared/errors";
import { startsWith, text, u32be, u8 } from "./bytes";
import { checkSize, type Size } from "./size";

export interface Chunk {
  readonly kind: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Small pieces, since a decompressor hands out all that it made of one before the next is asked for. */
const PIECE_BYTES = 1 << 14;
const SINGLE = ["IHDR", "PLTE", "tRNS"];
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Return the size from IHDR; null unless the file reaches IEND. Throws E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE. */
export function readPng(bytes: Uint8Array): Size | null {
  if (bytes.length < 33) return null;
  if (!startsWith(bytes, "IHDR", 12)) throw new AppError("E-IMAGE-BROKEN");
  const size = checkSize(u32be(bytes, 16), u32be(bytes, 20));
  let at = 8;
  while (at + 12 <= bytes.length && !startsWith(bytes, "IEND", at + 4)) at += 12 + u32be(bytes, at);
  return at + 12 + u32be(bytes, at) <= bytes.length ? size : null;
}

/** Return the chunks before IEND of a file that reaches it; throws E-IMAGE-BROKEN for bad checksums or a bad order. */
export function readChunks(bytes: Uint8Array<ArrayBuffer>): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; ; ) {
    const data = bytes.subarray(at + 8, at + 8 + u32be(bytes, at));
    const kind = text(bytes, at + 4, 4);
    const end = at + 8 + data.length;
    if (computeCrc(bytes.subarray(at + 4, end)) !== u32be(bytes, end)) throw new AppError("E-IMAGE-BROKEN");
    if (kind === "IEND") break;
    chunks.push({ kind, data });
    at = end + 4;
  }
  if (!isInOrder(chunks)) throw new AppError("E-IMAGE-BROKEN");
  return chunks;
}

/** IHDR first, image data in one run, palette and transparency at most once and before it. */
function isInOrder(chunks: readonly Chunk[]): boolean {
  const kinds = chunks.map(({ kind }) => kind);
  const first = kinds.indexOf("IDAT");
  const last = kinds.lastIndexOf("IDAT");
  if (kinds[0] !== "IHDR" || chunks[0]?.data.length !== 13 || first < 0) return false;
  const isOneRun = kinds.slice(first, last).every((kind) => kind === "IDAT");
  return isOneRun && SINGLE.every((kind) => kinds.indexOf(kind) === kinds.lastIndexOf(kind) && kinds.indexOf(kind) < first);
}

function computeCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (CRC_TABLE[(crc ^ u8(bytes, i)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * Inflate the image data; throws E-IMAGE-BROKEN unless they are one whole zlib stream of exactly `expected` bytes.
 *
 * The browser's decompressor also checks Adler-32 and that nothing follows. It is stopped at the first byte too many,
 * so that a small file cannot fill the memory.
 */
export async function inflate(chunks: readonly Chunk[], expected: number): Promise<Uint8Array<ArrayBuffer>> {
  const result = new Uint8Array(expected);
  let size = 0;
  try {
    const reader = listPieces(chunks).pipeThrough(new DecompressionStream("deflate")).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (size + next.value.length > expected) {
        await reader.cancel();
        throw new AppError("E-IMAGE-BROKEN");
      }
      result.set(next.value, size);
      size += next.value.length;
    }
  } catch {
    throw new AppError("E-IMAGE-BROKEN");
  }
  if (size !== expected) throw new AppError("E-IMAGE-BROKEN");
  return result;
}

function listPieces(chunks: readonly Chunk[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = slice(chunks);
  return new ReadableStream({
    pull(controller) {
      const { value, done } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function* slice(chunks: readonly Chunk[]): Generator<Uint8Array<ArrayBuffer>> {
  for (const { kind, data } of chunks) {
    if (kind !== "IDAT") continue;
    for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.subarray(at, at + PIECE_BYTES);
  }
}
