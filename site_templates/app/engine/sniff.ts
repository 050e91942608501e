/** What a file is, told from its first bytes, never from its name. */

import { AppError, type ErrorArguments } from "../shared/errors";
import { startsWith, text } from "./bytes";

export type Format = "png" | "jpeg" | "bmp" | "webp" | "gif";

type Signature = readonly [offset: number, magic: string, name: string];

/** Twin of builder/webipred/images/sniff.py. */
const REFUSED: readonly Signature[] = [
  [128, "DICM", "DICOM"],
  [0, "II*\0", "TIFF"],
  [0, "MM\0*", "TIFF"],
  [0, "II+\0", "BigTIFF"],
  [0, "MM\0+", "BigTIFF"],
  [0, "%PDF", "PDF"],
  [0, "PK\x03\x04", "ZIP"],
  [0, "\x1f\x8b", "gzip"],
  [344, "n+1\0", "NIfTI"],
  [0, "\0\0\0\x0cjP  ", "JPEG 2000"],
  [0, "\xff\x4f\xff\x51", "JPEG 2000"],
  [0, "\0\0\0\x0cJXL ", "JPEG XL"],
  [0, "\xff\x0a", "JPEG XL"],
  [4, "ftypavif", "AVIF"],
  [4, "ftyphei", "HEIC"],
  [4, "ftypmif1", "HEIF"],
  [4, "ftyp", "MP4"],
  [0, "\0\0\x01\0", "ICO"],
  [0, "8BPS", "Photoshop"],
  [0, "\x89HDF", "HDF5"],
  [0, "\x93NUMPY", "NumPy"],
];

const TEXT_SAMPLE_BYTES = 1024;

/** Return the format; throws E-IMAGE-EMPTY, or E-IMAGE-FORMAT that names what the file is instead. */
export function sniff(bytes: Uint8Array): Format {
  if (bytes.length === 0) throw new AppError("E-IMAGE-EMPTY");
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "png";
  if (startsWith(bytes, "\xff\xd8\xff")) return "jpeg";
  if (startsWith(bytes, "BM")) return "bmp";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "webp";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "gif";
  throw new AppError("E-IMAGE-FORMAT", describeForeign(bytes));
}

/** `variant` picks a sentence of its own in the locales. */
function describeForeign(bytes: Uint8Array): ErrorArguments {
  const known = REFUSED.find(([offset, magic]) => startsWith(bytes, magic, offset))?.[2] ?? nameText(bytes);
  if (known === null) return { variant: "unknown" };
  return known === "DICOM" ? { format: known, variant: "dicom" } : { format: known };
}

function nameText(bytes: Uint8Array): string | null {
  const sample = text(bytes, 0, TEXT_SAMPLE_BYTES).replace(/^[\xef\xbb\xbf \t\r\n]+/, "").toLowerCase();
  if (sample.startsWith("<!doctype html") || sample.startsWith("<html")) return "HTML";
  if (sample.includes("<svg")) return "SVG";
  return sample.startsWith("<?xml") ? "XML" : null;
}
