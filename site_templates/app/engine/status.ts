/** Codes of engine.wasm; the twin of builder/webipred/engine/status.py. */

import { AppError } from "../shared/errors";

/** Turn a code into the error that a person sees. */
export function describeStatus(status: number): AppError {
  return new AppError("E-PREPROCESS", { status });
}
