/** Decoded images as plain arrays, and what is done to them before preprocessing. */

import type { Thumbnail } from "../shared/messages";

/** 8-bit pixels, row by row, channels interleaved (height, width, channels). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** One channel from three: Pillow's integer luma L = (19595 R + 38470 G + 7471 B + 32768) >> 16. */
export function toGray({ width, height, channels, data }: Pixels): Pixels {
  if (channels === 1) return { width, height, channels, data };
  const gray = new Uint8Array(width * height);
  for (let i = 0, j = 0; i < gray.length; i++, j += 3) {
    gray[i] = (19595 * (data[j] ?? 0) + 38470 * (data[j + 1] ?? 0) + 7471 * (data[j + 2] ?? 0) + 32768) >> 16;
  }
  return { width, height, channels: 1, data: gray };
}

/** Three channels from one, by repetition. */
export function toRgb({ width, height, channels, data }: Pixels): Pixels {
  if (channels === 3) return { width, height, channels, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, j = 0; i < data.length; i++, j += 3) rgb.fill(data[i] ?? 0, j, j + 3);
  return { width, height, channels: 3, data: rgb };
}

/** Turn pixels by an EXIF orientation 1…8 (TIFF 6.0, tag 274), as Pillow's ImageOps.exif_transpose does. */
export function orient(pixels: Pixels, orientation: number): Pixels {
  if (orientation < 2 || orientation > 8) return pixels;
  const { width, height, channels, data } = pixels;
  const swapped = orientation >= 5;
  const [newWidth, newHeight] = swapped ? [height, width] : [width, height];
  const flipX = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const flipY = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  const turned = new Uint8Array(data.length);
  let target = 0;
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const [u, v] = swapped ? [y, x] : [x, y];
      const column = flipX ? width - 1 - u : u;
      const row = flipY ? height - 1 - v : v;
      const source = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) turned[target++] = data[source + c] ?? 0;
    }
  }
  return { width: newWidth, height: newHeight, channels, data: turned };
}

/** A picture of at most `size` pixels a side: the mean of up to 3 × 3 sampled pixels per target pixel. */
export function shrink({ width, height, channels, data }: Pixels, size: number): Thumbnail {
  const scale = Math.min(1, size / Math.max(width, height));
  const w = Math.max(1, Math.round(width * scale));
  const h = Math.max(1, Math.round(height * scale));
  const rgba = new Uint8ClampedArray(w * h * 4);
  const columns = samplePositions(width, w);
  const rows = samplePositions(height, h);
  for (let y = 0, target = 0; y < h; y++) {
    for (let x = 0; x < w; x++, target += 4) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let i = 0; i < 3; i++) {
          const row = (rows[y * 3 + i] ?? 0) * width;
          for (let j = 0; j < 3; j++) sum += data[(row + (columns[x * 3 + j] ?? 0)) * channels + (c % channels)] ?? 0;
        }
        rgba[target + c] = sum / 9;
      }
      rgba[target + 3] = 255;
    }
  }
  return { width: w, height: h, rgba };
}

function samplePositions(size: number, parts: number): Uint32Array {
  const positions = new Uint32Array(parts * 3);
  for (let i = 0; i < positions.length; i++) {
    positions[i] = Math.min(size - 1, Math.floor(((i + 0.5) / positions.length) * size));
  }
  return positions;
}
