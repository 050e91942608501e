/** PNG, inner part: from filtered rows to samples (PNG, third edition, §7–9). */

import { AppError } from "../shared/errors";

/** x and y of the first pixel, and the steps to the next. */
type Pass = readonly [x: number, y: number, xStep: number, yStep: number];

const WHOLE: readonly Pass[] = [[0, 0, 1, 1]];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly channels: number;
  readonly isInterlaced: boolean;
}

/** Samples as they are in the file, row by row, channels interleaved. */
export type Samples = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

interface Part {
  readonly pass: Pass;
  readonly columns: number;
  readonly rows: number;
  readonly rowBytes: number;
}

/** Return the size of all filtered rows, each with its filter byte. */
export function countRawBytes(layout: Layout): number {
  return listParts(layout).reduce((total, { rows, rowBytes }) => total + rows * (1 + rowBytes), 0);
}

/** Undo filters and interlacing of `raw`, which is changed; throws E-IMAGE-BROKEN for an unknown filter. */
export function readSamples(raw: Uint8Array, layout: Layout): Samples {
  const count = layout.width * layout.height * layout.channels;
  const samples = layout.depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
  const pixelBytes = Math.max(1, (layout.depth * layout.channels) >> 3);
  let at = 0;
  for (const part of listParts(layout)) {
    let above: Uint8Array = new Uint8Array(part.rowBytes);
    for (let row = 0; row < part.rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + part.rowBytes);
      unfilter(raw[at] ?? 0, line, above, pixelBytes);
      placeRow(line, row, part, layout, samples);
      above = line;
      at += 1 + part.rowBytes;
    }
  }
  return samples;
}

function listParts({ width, height, depth, channels, isInterlaced }: Layout): Part[] {
  const parts = (isInterlaced ? ADAM7 : WHOLE).map((pass) => {
    const [x, y, xStep, yStep] = pass;
    const columns = Math.ceil((width - x) / xStep);
    return { pass, columns, rows: Math.ceil((height - y) / yStep), rowBytes: Math.ceil((columns * depth * channels) / 8) };
  });
  return parts.filter(({ columns, rows }) => columns > 0 && rows > 0);
}

function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < line.length; i++) line[i] = (line[i] ?? 0) + (line[i - step] ?? 0);
      return;
    case 2:
      for (let i = 0; i < line.length; i++) line[i] = (line[i] ?? 0) + (above[i] ?? 0);
      return;
    case 3:
      for (let i = 0; i < line.length; i++) {
        const left = i < step ? 0 : (line[i - step] ?? 0);
        line[i] = (line[i] ?? 0) + ((left + (above[i] ?? 0)) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < line.length; i++) {
        const left = i < step ? 0 : (line[i - step] ?? 0);
        const corner = i < step ? 0 : (above[i - step] ?? 0);
        line[i] = (line[i] ?? 0) + predictPaeth(left, above[i] ?? 0, corner);
      }
      return;
    default:
      throw new AppError("E-IMAGE-BROKEN");
  }
}

function predictPaeth(left: number, above: number, corner: number): number {
  const byLeft = Math.abs(above - corner);
  const byAbove = Math.abs(left - corner);
  const byCorner = Math.abs(left + above - 2 * corner);
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}

function placeRow(line: Uint8Array, row: number, part: Part, { width, depth, channels }: Layout, samples: Samples): void {
  const [x, y, xStep, yStep] = part.pass;
  const start = ((y + row * yStep) * width + x) * channels;
  const count = part.columns * channels;
  if (depth === 8 && xStep === 1) {
    samples.set(line.subarray(0, count), start);
    return;
  }
  const largest = (1 << depth) - 1;
  for (let i = 0, target = start, channel = 0; i < count; i++) {
    if (depth >= 8) samples[target] = depth === 8 ? (line[i] ?? 0) : ((line[2 * i] ?? 0) << 8) | (line[2 * i + 1] ?? 0);
    else samples[target] = ((line[(i * depth) >> 3] ?? 0) >> (8 - depth - ((i * depth) & 7))) & largest;
    channel += 1;
    target += 1;
    if (channel === channels) {
      channel = 0;
      target += (xStep - 1) * channels;
    }
  }
}
