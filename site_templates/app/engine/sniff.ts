/** What a file is, told from its first bytes, never from its name. */

import { AppError } from "../shared/errors";
import { startsWith, text } from "./bytes";

export type Format = "png" | "jpeg" | "bmp" | "webp" | "gif";

const KNOWN_BUT_REFUSED: ReadonlyArray<readonly [name: string, matches: (bytes: Uint8Array) => boolean]> = [
  ["DICOM", (bytes) => startsWith(bytes, "DICM", 128)],
  ["TIFF", (bytes) => ["II*\0", "MM\0*", "II+\0", "MM\0+"].some((magic) => startsWith(bytes, magic))],
  ["PDF", (bytes) => startsWith(bytes, "%PDF-")],
  ["AVIF", (bytes) => startsWith(bytes, "ftypavi", 4)],
  ["HEIC", (bytes) => /^ftyp(hei|hev|mif|msf)/.test(text(bytes, 4, 7))],
  ["JPEG 2000", (bytes) => startsWith(bytes, "\0\0\0\x0cjP  ") || startsWith(bytes, "\xff\x4f\xff\x51")],
  ["JPEG XL", (bytes) => startsWith(bytes, "\xff\x0a") || startsWith(bytes, "\0\0\0\x0cJXL ")],
  ["ZIP", (bytes) => startsWith(bytes, "PK\x03\x04")],
  ["gzip", (bytes) => startsWith(bytes, "\x1f\x8b")],
  ["Photoshop", (bytes) => startsWith(bytes, "8BPS")],
  ["SVG/XML/HTML", (bytes) => /^(\xef\xbb\xbf)?\s*<[?!a-z]/i.test(text(bytes, 0, 64))],
];

/** Return the format; throws E-IMAGE-EMPTY, or E-IMAGE-FORMAT that names what the file is instead. */
export function sniff(bytes: Uint8Array): Format {
  if (bytes.length === 0) throw new AppError("E-IMAGE-EMPTY");
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "png";
  if (startsWith(bytes, "\xff\xd8\xff")) return "jpeg";
  if (startsWith(bytes, "BM")) return "bmp";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "webp";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "gif";
  const known = KNOWN_BUT_REFUSED.find(([, matches]) => matches(bytes));
  throw new AppError("E-IMAGE-FORMAT", { format: known?.[0] ?? "?" });
}
