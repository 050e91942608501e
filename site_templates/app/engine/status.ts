/** Status codes of engine.wasm; the twin of builder/engine/engine.h and builder/webipred/engine/status.py. */

import { AppError } from "../shared/errors";

export const STATUS = {
  OK: 0,
  MEMORY: 1,
  POINTER: 2,
  PROGRAM_SIZE: 3,
  PROGRAM_MAGIC: 4,
  PROGRAM_VERSION: 5,
  PROGRAM_STEP: 6,
  PROGRAM_PARAMETER: 7,
  IMAGE_EMPTY: 8,
  IMAGE_TOO_LARGE: 9,
  IMAGE_CHANNELS: 10,
  STEP_CHANNELS: 11,
  STEP_TYPE: 12,
  CROP_TOO_LARGE: 13,
  VALUE_RANGE: 14,
  INTERMEDIATE_TOO_LARGE: 15,
  RESULT_SHAPE: 16,
  NOT_FINITE: 17,
} as const;

/** Turn a code into the error that a person sees; what the image cannot cause keeps its name for a bug report. */
export function describeStatus(status: number): AppError {
  switch (status) {
    case STATUS.MEMORY:
      return new AppError("E-MEMORY");
    case STATUS.CROP_TOO_LARGE:
      return new AppError("E-IMAGE-SMALL");
    case STATUS.NOT_FINITE:
      return new AppError("E-OUTPUT");
    default:
      return new AppError("E-PREPROCESS", { status: nameStatus(status) });
  }
}

function nameStatus(status: number): string {
  return Object.entries(STATUS).find(([, code]) => code === status)?.[0] ?? String(status);
}
