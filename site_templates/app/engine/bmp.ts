/** BMP: only the kinds that all programs decode alike (twin: builder/webipred/images/bmp.py). */

import { AppError } from "../shared/errors";
import { i32le, u16le, u32le } from "./bytes";
import { checkSize, type Size } from "./size";

const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;
const OS2_HEADER_BYTES = 64;
const HEADER_BYTES = [CORE_HEADER_BYTES, 40, 52, 56, OS2_HEADER_BYTES, 108, 124];
const BITS = [1, 4, 8, 24, 32];
const UNCOMPRESSED = 0;
const BITFIELDS = 3;
const PLAIN_MASKS = [0xff0000, 0xff00, 0xff];
const ALPHA_MASKS = [0, 0xff000000];
const MASKS_AT = 54;
const ALPHA_MASK_AT = 66;

interface Header {
  readonly start: number;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly compression: number;
  readonly colours: number;
}

/** Return the size of a file whose rows are all there; throws E-IMAGE-FORMAT, E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE. */
export function readBmp(bytes: Uint8Array): Size | null {
  if (bytes.length < FILE_HEADER_BYTES + CORE_HEADER_BYTES) return null;
  const headerBytes = u32le(bytes, FILE_HEADER_BYTES);
  if (!HEADER_BYTES.includes(headerBytes)) throw new AppError("E-IMAGE-BROKEN");
  if (bytes.length < Math.max(MASKS_AT, FILE_HEADER_BYTES + headerBytes)) return null;
  const header = readHeader(bytes, headerBytes);
  const { start, width, height, bits, compression } = header;
  if (!BITS.includes(bits) || !isPlain(bytes, header)) {
    throw new AppError("E-IMAGE-FORMAT", { format: `BMP (${bits} bit, BI ${compression})` });
  }
  if (!isSound(header)) throw new AppError("E-IMAGE-BROKEN");
  const size = checkSize(width, Math.abs(height));
  const rowBytes = 4 * Math.ceil((width * bits) / 32);
  return start + rowBytes * size.height > bytes.length ? null : size;
}

function readHeader(bytes: Uint8Array, headerBytes: number): Header {
  const isCore = headerBytes === CORE_HEADER_BYTES;
  return {
    start: u32le(bytes, 10),
    bytes: headerBytes,
    width: isCore ? u16le(bytes, 18) : i32le(bytes, 18),
    height: isCore ? u16le(bytes, 20) : i32le(bytes, 22),
    bits: u16le(bytes, isCore ? 24 : 28),
    compression: isCore ? UNCOMPRESSED : u32le(bytes, 30),
    colours: isCore ? 0 : u32le(bytes, 46),
  };
}

/** Whether pixels are stored uncompressed, with 8 bits a channel, blue first. */
function isPlain(bytes: Uint8Array, header: Header): boolean {
  if (header.compression === UNCOMPRESSED) return true;
  if (header.compression !== BITFIELDS || header.bits !== 32 || header.bytes === OS2_HEADER_BYTES) return false;
  const alpha = header.bytes >= 56 ? u32le(bytes, ALPHA_MASK_AT) : 0;
  return PLAIN_MASKS.every((mask, i) => u32le(bytes, MASKS_AT + 4 * i) === mask) && ALPHA_MASKS.includes(alpha);
}

/** Whether the pixels begin behind headers and palette, and the palette has no more colours than there are indices. */
function isSound({ start, bytes, bits, compression, colours }: Header): boolean {
  const masks = compression === BITFIELDS && bytes === 40 ? 12 : 0;
  const indices = bits > 8 ? 0 : 2 ** bits;
  if (indices > 0 && colours > indices) return false;
  const palette = indices === 0 ? 0 : (colours || indices) * (bytes === CORE_HEADER_BYTES ? 3 : 4);
  return start >= FILE_HEADER_BYTES + bytes + masks + palette;
}
