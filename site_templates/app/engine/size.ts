/** The pixel size that a header states, refused before anything is decoded if it is none or too large. */

import { AppError } from "../shared/errors";
import { MAX_PIXELS } from "../shared/limits";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Return the size; throws E-IMAGE-BROKEN, E-IMAGE-TOO-LARGE. */
export function checkSize(width: number, height: number): Size {
  if (width < 1 || height < 1) throw new AppError("E-IMAGE-BROKEN");
  if (width * height > MAX_PIXELS) throw new AppError("E-IMAGE-TOO-LARGE", { width, height, limit: MAX_PIXELS / 1e6 });
  return { width, height };
}
