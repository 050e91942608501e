/** From probabilities to a decision; the twin of builder/webipred/validate/decision.py. */

import type { ClassRef } from "./manifest";

/**
 * Return the ids of the reported classes.
 *
 * Multi-label: every class at or above its threshold, in class order, possibly none.
 * Classification: a class with a threshold is reported as soon as its probability reaches it (the one with the
 * largest excess if several do); otherwise the most probable of the remaining classes; ties go to the first.
 */
export function decide(
  probabilities: readonly number[],
  classes: readonly ClassRef[],
  task: "classification" | "multi-label",
): string[] {
  const rated = classes.map(({ id, threshold }, i) => ({ id, threshold, p: probabilities[i] ?? Number.NaN }));
  const reached = rated.filter(({ threshold, p }) => threshold !== null && p >= threshold);
  if (task === "multi-label") return reached.map(({ id }) => id);
  if (reached.length > 0) return [largest(reached, ({ p, threshold }) => p - (threshold ?? 0)).id];
  const open = rated.filter(({ threshold }) => threshold === null);
  return [largest(open.length > 0 ? open : rated, ({ p }) => p).id];
}

/** Index of the most probable class; ties go to the first. */
export function topIndex(probabilities: readonly number[]): number {
  return probabilities.reduce((best, p, i) => (p > (probabilities[best] ?? -1) ? i : best), 0);
}

function largest<T>(items: readonly T[], value: (item: T) => number): T {
  return items.reduce((best, item) => (value(item) > value(best) ? item : best));
}
