/** Medians and the like; the twin of builder/webipred/bench/figures.py. */

/** The median; NaN for no values. */
export function takeMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The smallest value that at least nine in ten do not exceed; NaN for no values. */
export function takeNinetieth(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(0.9 * values.length) - 1] ?? Number.NaN;
}
