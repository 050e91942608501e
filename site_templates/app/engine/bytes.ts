/** Reading numbers and signatures from bytes; past the end everything reads as 0. */

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

export function u16be(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) << 8) | u8(bytes, at + 1);
}

export function u16le(bytes: Uint8Array, at: number): number {
  return u8(bytes, at) | (u8(bytes, at + 1) << 8);
}

export function u24le(bytes: Uint8Array, at: number): number {
  return u16le(bytes, at) | (u8(bytes, at + 2) << 16);
}

export function u32be(bytes: Uint8Array, at: number): number {
  return (u16be(bytes, at) * 0x10000 + u16be(bytes, at + 2)) >>> 0;
}

export function u32le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at + 2) * 0x10000 + u16le(bytes, at)) >>> 0;
}

export function i32le(bytes: Uint8Array, at: number): number {
  return u32le(bytes, at) | 0;
}

/** Latin-1 text of `length` bytes. */
export function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Whether the bytes at `at` are the Latin-1 characters of `signature`. */
export function startsWith(bytes: Uint8Array, signature: string, at = 0): boolean {
  return text(bytes, at, signature.length) === signature;
}
