/** SHA-256 where crypto.subtle may be missing: pages on plain http, and workers of an opaque origin in Chromium. */

import { sha256 } from "@noble/hashes/sha2.js";

const SLICE_BYTES = 4 << 20;

/** Hash in JavaScript, at once. About 150 MB/s. */
export function hashNow(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

/** Hash without blocking: natively where possible, else in slices with a pause after each. */
export async function hash(bytes: Uint8Array<ArrayBuffer>, subtle: SubtleCrypto | undefined): Promise<string> {
  if (subtle) return toHex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
  const state = sha256.create();
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    state.update(bytes.subarray(start, start + SLICE_BYTES));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return toHex(state.digest());
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (value) => value.toString(16).padStart(2, "0")).join("");
}
