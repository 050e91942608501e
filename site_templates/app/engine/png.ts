/** PNG through fast-png: exact for 16 bits and for colour under alpha, which a canvas is not. */

import { decode } from "fast-png";
import { AppError } from "../shared/errors";
import type { InputRef } from "../shared/manifest";
import { startsWith, u32be, u8 } from "./bytes";
import type { Pixels } from "./pixels";

type Decoded = ReturnType<typeof decode>;

const KEPT_CHUNKS = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
const COLOR_BIT = 2;
const GRAY = 0;
const ADAM7 = 1;

/** Whether fast-png cannot read the file: it takes interlaced pixels of less than 8 bits for bytes. */
export function isPackedInterlaced(bytes: Uint8Array): boolean {
  return u8(bytes, 24) < 8 && u8(bytes, 28) === ADAM7;
}

/** Decode a PNG; throws E-IMAGE-BROKEN, E-IMAGE-BIT-DEPTH, E-IMAGE-ALPHA. */
export function decodePng(bytes: Uint8Array<ArrayBuffer>, rules: InputRef): Pixels {
  const colorType = u8(bytes, 25);
  const isColor = (colorType & COLOR_BIT) !== 0;
  if (u8(bytes, 24) === 16 && rules.bit_depth === "reject") throw new AppError("E-IMAGE-BIT-DEPTH");
  const image = decodeChecked(keepPixelChunks(bytes));
  const samples = image.depth === 16 ? reduceDepth(image, colorType === GRAY ? rules.bit_depth : "shift") : unpackSamples(image);
  const { data, alpha } = image.palette ? applyPalette(samples, image.palette) : splitAlpha(samples, image);
  if (rules.alpha === "reject" && alpha) throw new AppError("E-IMAGE-ALPHA");
  return { width: image.width, height: image.height, channels: isColor ? 3 : 1, data };
}

function decodeChecked(bytes: Uint8Array): Decoded {
  let image: Decoded;
  try {
    image = decode(bytes, { checkCrc: true });
  } catch (thrown) {
    if (thrown instanceof RangeError && /alloc|length/i.test(thrown.message)) throw new AppError("E-MEMORY");
    throw new AppError("E-IMAGE-BROKEN");
  }
  return image;
}

/** Drop texts, profiles and animation: they are not needed, and a damaged one may not spoil an image. */
export function keepPixelChunks(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = [bytes.subarray(0, 8)];
  for (let at = 8; at + 12 <= bytes.length; at += 12 + u32be(bytes, at)) {
    if (KEPT_CHUNKS.some((name) => startsWith(bytes, name, at + 4))) {
      parts.push(bytes.subarray(at, at + 12 + u32be(bytes, at)));
    }
  }
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** 16 → 8 bits: plain gray is cut off at 255 or keeps the upper byte, as the entry says; all else keeps the upper byte. */
function reduceDepth(image: Decoded, rule: InputRef["bit_depth"]): Uint8Array<ArrayBuffer> {
  const reduced = new Uint8Array(image.data.length);
  for (let i = 0; i < reduced.length; i++) {
    const value = image.data[i] ?? 0;
    reduced[i] = rule === "shift" ? value >> 8 : Math.min(255, value);
  }
  return reduced;
}

/** 1, 2 and 4 bits to one byte a sample; gray is scaled to 0…255, palette indices stay. */
function unpackSamples(image: Decoded): Uint8Array<ArrayBuffer> {
  const { width, height, depth, data } = image;
  if (depth === 8) return new Uint8Array(data);
  const rowBytes = Math.ceil((width * depth) / 8);
  const largest = (1 << depth) - 1;
  const factor = image.palette ? 1 : 255 / largest;
  const samples = new Uint8Array(width * height);
  for (let y = 0, target = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)] ?? 0;
      samples[target++] = ((byte >> (8 - depth - (bit & 7))) & largest) * factor;
    }
  }
  return samples;
}

interface Split {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether any pixel is not opaque. */
  readonly alpha: boolean;
}

function applyPalette(indices: Uint8Array, palette: readonly (readonly number[])[]): Split {
  const data = new Uint8Array(indices.length * 3);
  let alpha = false;
  for (let i = 0; i < indices.length; i++) {
    const colour = palette[indices[i] ?? 0];
    if (!colour) throw new AppError("E-IMAGE-BROKEN");
    for (let c = 0; c < 3; c++) data[i * 3 + c] = colour[c] ?? 0;
    if ((colour[3] ?? 255) < 255) alpha = true;
  }
  return { data, alpha };
}

function splitAlpha(samples: Uint8Array<ArrayBuffer>, image: Decoded): Split {
  const { channels } = image;
  if (channels === 1 || channels === 3) return { data: samples, alpha: hasTransparentColour(image) };
  const kept = channels - 1;
  const data = new Uint8Array((samples.length / channels) * kept);
  let alpha = false;
  for (let source = 0, target = 0; source < samples.length; source += channels) {
    for (let c = 0; c < kept; c++) data[target++] = samples[source + c] ?? 0;
    if ((samples[source + kept] ?? 0) < 255) alpha = true;
  }
  return { data, alpha };
}

/** tRNS of gray and RGB files names one colour that is transparent wherever it occurs. */
function hasTransparentColour(image: Decoded): boolean {
  const { transparency, channels, data, depth } = image;
  if (!transparency || transparency.length < channels) return false;
  if (depth !== 8) return true; // as in images/decode.py for 16 bits; packed samples are not searched either
  for (let i = 0; i < data.length; i += channels) {
    let matches = true;
    for (let c = 0; c < channels; c++) matches &&= data[i + c] === transparency[c];
    if (matches) return true;
  }
  return false;
}
