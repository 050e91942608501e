/** PNG, decoded here: exact for 16 bits and for colour under alpha, which a canvas is not. */

import { AppError } from "../shared/errors";
import type { InputRef } from "../shared/manifest";
import { u16be, u32be, u8 } from "./bytes";
import type { Pixels } from "./pixels";
import { inflate, readChunks } from "./png-chunks";
import { countRawBytes, readSamples, type Layout, type Samples } from "./png-samples";

const GRAY = 0;
const RGB = 2;
const PALETTE = 3;
const CHANNELS: Readonly<Record<number, number>> = { [GRAY]: 1, [RGB]: 3, [PALETTE]: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  [GRAY]: [1, 2, 4, 8, 16],
  [RGB]: [8, 16],
  [PALETTE]: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

interface Image extends Layout {
  readonly colorType: number;
  readonly samples: Samples;
  readonly palette: Uint8Array;
  /** The content of tRNS. */
  readonly transparency: Uint8Array | null;
}

/** Decode a PNG; throws E-IMAGE-BROKEN, E-IMAGE-BIT-DEPTH, E-IMAGE-ALPHA, E-MEMORY. */
export async function decodePng(bytes: Uint8Array<ArrayBuffer>, rules: InputRef): Promise<Pixels> {
  if (u8(bytes, 24) === 16 && rules.bit_depth === "reject") throw new AppError("E-IMAGE-BIT-DEPTH");
  const image = await readImage(bytes);
  if (rules.alpha === "reject" && isTransparent(image)) throw new AppError("E-IMAGE-ALPHA");
  const { width, height, colorType } = image;
  const channels = colorType === GRAY || colorType === 4 ? 1 : 3;
  return { width, height, channels, data: colorType === PALETTE ? expandPalette(image) : reduceSamples(image, rules) };
}

async function readImage(bytes: Uint8Array<ArrayBuffer>): Promise<Image> {
  const chunks = readChunks(bytes);
  const find = (name: string): Uint8Array | null => chunks.find(({ kind }) => kind === name)?.data ?? null;
  const header = find("IHDR") ?? new Uint8Array(0);
  const [depth, colorType, interlace] = [u8(header, 8), u8(header, 9), u8(header, 12)];
  const isKnown = DEPTHS[colorType]?.includes(depth) && u8(header, 10) === 0 && u8(header, 11) === 0 && interlace <= 1;
  if (!isKnown) throw new AppError("E-IMAGE-BROKEN");
  const layout: Layout = {
    width: u32be(header, 0),
    height: u32be(header, 4),
    depth,
    channels: CHANNELS[colorType] ?? 1,
    isInterlaced: interlace === 1,
  };
  const samples = readSamples(await inflate(chunks, countRawBytes(layout)), layout);
  const image = { ...layout, colorType, samples, palette: find("PLTE") ?? new Uint8Array(0), transparency: find("tRNS") };
  checkPalette(image);
  const isCutKey = image.transparency !== null && colorType <= RGB && image.transparency.length < 2 * image.channels;
  if (isCutKey) throw new AppError("E-IMAGE-BROKEN");
  return image;
}

/** A decoder may draw an index without colour as it likes. */
function checkPalette({ colorType, samples, palette }: Image): void {
  if (colorType !== PALETTE) return;
  const colours = Math.floor(palette.length / 3);
  if (samples.some((index: number) => index >= colours)) throw new AppError("E-IMAGE-BROKEN");
}

/** Whether a pixel is not opaque; a 16-bit file with a transparent colour counts as such (twin: images/decode.py). */
function isTransparent(image: Image): boolean {
  const { colorType, samples, channels, depth, transparency } = image;
  if (colorType > PALETTE) {
    for (let i = channels - 1; i < samples.length; i += channels) if ((samples[i] ?? 0) >> (depth - 8) < 255) return true;
    return false;
  }
  if (!transparency) return false;
  if (colorType === PALETTE) return samples.some((index: number) => (transparency[index] ?? 255) < 255);
  return depth === 16 || hasTransparentColour(image, transparency);
}

/** tRNS of gray and RGB files names one colour that is transparent wherever it occurs. */
function hasTransparentColour({ samples, channels }: Image, transparency: Uint8Array): boolean {
  for (let i = 0; i < samples.length; i += channels) {
    let matches = true;
    for (let c = 0; c < channels; c++) matches &&= samples[i + c] === u16be(transparency, 2 * c);
    if (matches) return true;
  }
  return false;
}

function expandPalette({ samples, palette }: Image): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(samples.length * 3);
  for (let i = 0, target = 0; i < samples.length; i++) {
    const colour = 3 * (samples[i] ?? 0);
    for (let c = 0; c < 3; c++) data[target++] = palette[colour + c] ?? 0;
  }
  return data;
}

/**
 * Samples without alpha, 8 bits each: fewer bits are stretched to 0…255; of 16, plain gray is cut off at 255 or keeps
 * its upper byte, as the entry says, and all else keeps the upper byte.
 */
function reduceSamples({ samples, colorType, depth, channels }: Image, rules: InputRef): Uint8Array<ArrayBuffer> {
  const kept = channels === 2 || channels === 4 ? channels - 1 : channels;
  if (samples instanceof Uint8Array && depth === 8 && kept === channels) return samples;
  const isSaturated = colorType === GRAY && rules.bit_depth !== "shift";
  const factor = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const data = new Uint8Array((samples.length / channels) * kept);
  for (let source = 0, target = 0; source < samples.length; source += channels) {
    for (let c = 0; c < kept; c++) {
      const value = samples[source + c] ?? 0;
      if (depth === 16) data[target++] = isSaturated ? Math.min(255, value) : value >> 8;
      else data[target++] = value * factor;
    }
  }
  return data;
}
