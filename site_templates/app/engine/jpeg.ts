/**
 * JPEG: the file must reach its end, and every coefficient of every component must have been sent
 * (ITU-T T.81 B, G; twin: builder/webipred/images/jpeg.py).
 */

import { AppError } from "../shared/errors";
import { u16be, u8 } from "./bytes";
import { checkSize, type Size } from "./size";

const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const PROGRESSIVE = [0xc2, 0xc6, 0xca, 0xce];
const COEFFICIENTS = 64;
const UNSENT = -1;

/** Coded data that mean something, without FF; the first bit is 1, unlike the zeros that decoders put for missing data. */
const STUFFING = Uint8Array.from({ length: 64 }, (_, i) => (73 * i + 181) % 251);

interface Walk {
  size: Size | null;
  /** The lowest bit sent of each coefficient of each component. */
  sent: Map<number, Int8Array>;
  readonly scanEnds: number[];
  isProgressive: boolean;
  reachesEnd: boolean;
}

/** Return the size of a file without gaps between its markers; throws E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE. */
export function readJpeg(bytes: Uint8Array): Size | null {
  const { size, sent, reachesEnd } = walk(bytes);
  const isComplete = [...sent.values()].every((bits) => bits.every((bit) => bit === 0));
  return reachesEnd && isComplete ? size : null;
}

/**
 * Return the file with meaningful bytes after the coded data of each scan.
 *
 * A decoder that has all data skips them; one that lacks some takes them for the rest of the image. So a whole file
 * gives the same pixels, and one with gaps gives others.
 */
export function stuffScans(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { scanEnds } = walk(bytes);
  const stuffed = new Uint8Array(bytes.length + scanEnds.length * STUFFING.length);
  let start = 0;
  let target = 0;
  for (const end of scanEnds) {
    stuffed.set(bytes.subarray(start, end), target);
    target += end - start;
    stuffed.set(STUFFING, target);
    target += STUFFING.length;
    start = end;
  }
  stuffed.set(bytes.subarray(start), target);
  return stuffed;
}

/** From segment to segment, past the coded data of every scan, to the end marker. */
function walk(bytes: Uint8Array): Walk {
  const state: Walk = { size: null, sent: new Map(), scanEnds: [], isProgressive: false, reachesEnd: false };
  let at = 2;
  while (at + 2 <= bytes.length && !state.reachesEnd) {
    const marker = u8(bytes, at + 1);
    if (bytes[at] !== 0xff) at = skipToMarker(bytes, at);
    else if (marker === 0xff) at += 1;
    else if (marker === 0xd9) state.reachesEnd = true;
    else if (marker === 0 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker < 0xc0) throw new AppError("E-IMAGE-BROKEN");
    else at = readSegment(bytes, at, state);
  }
  return state;
}

/** Note what a segment says, and return where the next marker is. */
function readSegment(bytes: Uint8Array, at: number, state: Walk): number {
  const marker = u8(bytes, at + 1);
  const end = at + 2 + u16be(bytes, at + 2);
  const body = bytes.subarray(at + 4, end);
  if (marker <= 0xcf && !NO_FRAMES.includes(marker)) {
    state.isProgressive = PROGRESSIVE.includes(marker);
    state.size = checkSize(u16be(body, 3), u16be(body, 1));
    state.sent = new Map();
    for (let i = 0; i < u8(body, 5); i++) state.sent.set(u8(body, 6 + 3 * i), new Int8Array(COEFFICIENTS).fill(UNSENT));
  }
  if (marker !== 0xda) return end;
  noteScan(body, state);
  const next = skipToMarker(bytes, end);
  let scanEnd = next;
  while (u8(bytes, scanEnd - 1) === 0xff) scanEnd -= 1;
  state.scanEnds.push(scanEnd);
  return next;
}

/** Enter the coefficients of a scan: all of them, or the band and bit of a progressive one. */
function noteScan(body: Uint8Array, { sent, isProgressive }: Walk): void {
  const count = u8(body, 0);
  if (body.length < 4 + 2 * count) throw new AppError("E-IMAGE-BROKEN");
  const [first, last, bits] = body.subarray(1 + 2 * count);
  for (let i = 0; i < count; i++) {
    const component = sent.get(u8(body, 1 + 2 * i));
    if (isProgressive) component?.fill((bits ?? 0) & 15, first, (last ?? 0) + 1);
    else component?.fill(0);
  }
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
