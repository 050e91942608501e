/**
 * SHA-256 in JavaScript, about 150 MB/s.
 *
 * crypto.subtle is missing on plain http and in workers of an opaque origin, and where it is there Chromium hashes
 * on the calling thread: a second of a standing page for 200 MB (measured). In pieces, a page stays quick.
 */

import { sha256 } from "@noble/hashes/sha2.js";

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The digest as 64 hexadecimal digits; ends the hasher. */
  digest(): string;
}

/** Create a hasher for bytes that come in pieces. */
export function createHasher(): Hasher {
  const state = sha256.create();
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => toHex(state.digest()),
  };
}

/** Hash at once. */
export function hashNow(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (value) => value.toString(16).padStart(2, "0")).join("");
}
