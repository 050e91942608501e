/**
 * The browser's own decoders. With colour management off they give Pillow's pixels exactly (measured in Chromium for
 * JPEG, BMP, WebP, GIF and opaque PNG); what has transparent pixels loses colour on a canvas and is refused.
 */

import { AppError } from "../shared/errors";
import type { Pixels } from "./pixels";
import type { Format } from "./sniff";

/** The canvas is read in stripes of about this many pixels, so that a large image needs little memory beside itself. */
const STRIPE_PIXELS = 1 << 20;

/** Decode a file whose EXIF block is hidden; throws E-IMAGE-BROKEN, E-IMAGE-ALPHA. */
export async function decodeNatively(bytes: Uint8Array<ArrayBuffer>, format: Format): Promise<Pixels> {
  return withBitmap(bytes, format, (bitmap) => {
    const { width, height } = bitmap;
    const data = new Uint8Array(width * height * 3);
    let target = 0;
    for (const rgba of readStripes(bitmap)) target = copyOpaque(rgba, data, target);
    return { width, height, channels: 3, data };
  });
}

/** Whether a file gives just these pixels; needs little memory beside the browser's own. */
export async function givesNatively(bytes: Uint8Array<ArrayBuffer>, format: Format, pixels: Pixels): Promise<boolean> {
  return withBitmap(bytes, format, (bitmap) => {
    if (bitmap.width !== pixels.width || bitmap.height !== pixels.height) return false;
    let at = 0;
    for (const rgba of readStripes(bitmap)) {
      if (!isSame(rgba, pixels.data, at)) return false;
      at += (rgba.length / 4) * 3;
    }
    return true;
  });
}

async function withBitmap<T>(
  bytes: Uint8Array<ArrayBuffer>,
  format: Format,
  use: (bitmap: ImageBitmap) => T,
): Promise<T> {
  const bitmap = await createBitmap(bytes, format);
  try {
    return use(bitmap);
  } finally {
    bitmap.close();
  }
}

async function createBitmap(bytes: Uint8Array<ArrayBuffer>, format: Format): Promise<ImageBitmap> {
  const blob = new Blob([bytes], { type: `image/${format}` });
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new AppError("E-IMAGE-BROKEN");
  }
}

function* readStripes(bitmap: ImageBitmap): Generator<Uint8ClampedArray> {
  const { width, height } = bitmap;
  const stripeHeight = Math.max(1, Math.min(height, Math.floor(STRIPE_PIXELS / width)));
  const context = new OffscreenCanvas(width, stripeHeight).getContext("2d", { willReadFrequently: true });
  if (!context) throw new AppError("E-MEMORY");
  context.globalCompositeOperation = "copy";
  context.imageSmoothingEnabled = false;
  for (let top = 0; top < height; top += stripeHeight) {
    const rows = Math.min(stripeHeight, height - top);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    yield context.getImageData(0, 0, width, rows).data;
  }
}

function isSame(rgba: Uint8ClampedArray, rgb: Uint8Array, start: number): boolean {
  for (let source = 0, target = start; source < rgba.length; source += 4, target += 3) {
    const isEqual =
      rgba[source] === rgb[target] && rgba[source + 1] === rgb[target + 1] && rgba[source + 2] === rgb[target + 2];
    if (!isEqual) return false;
  }
  return true;
}

function copyOpaque(rgba: Uint8ClampedArray, rgb: Uint8Array, start: number): number {
  let target = start;
  for (let source = 0; source < rgba.length; source += 4) {
    if (rgba[source + 3] !== 255) throw new AppError("E-IMAGE-ALPHA");
    rgb[target] = rgba[source] ?? 0;
    rgb[target + 1] = rgba[source + 1] ?? 0;
    rgb[target + 2] = rgba[source + 2] ?? 0;
    target += 3;
  }
  return target;
}
