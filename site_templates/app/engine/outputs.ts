/** The last gate before a number is shown. */

import { AppError } from "../shared/errors";
import type { BundleManifest } from "../shared/manifest";

/** A float32 softmax over up to 1000 classes sums to 1 within this (twin: validate/reference.py). */
const SUM_TOLERANCE = 1e-4;

/** Return the values, cut to 0 … 1, if they are probabilities of the model's classes but for rounding; else E-OUTPUT. */
export function checkProbabilities(values: Float32Array, model: BundleManifest): number[] {
  const probabilities = Array.from(values);
  const sum = probabilities.reduce((total, p) => total + p, 0);
  const inRange = probabilities.every((p) => Number.isFinite(p) && p >= -SUM_TOLERANCE && p <= 1 + SUM_TOLERANCE);
  const normalised = model.task === "multi-label" || Math.abs(sum - 1) <= SUM_TOLERANCE;
  if (probabilities.length !== model.classes.length || !inRange || !normalised) throw new AppError("E-OUTPUT");
  return probabilities.map((p) => Math.min(1, Math.max(0, p)));
}
