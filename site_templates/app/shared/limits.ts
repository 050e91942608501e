/** What a file may at most be; the builder has the same limits (docs/preprocessing.md). */

export const MAX_FILE_BYTES = 256 << 20;
export const MAX_PIXELS = 64_000_000;
