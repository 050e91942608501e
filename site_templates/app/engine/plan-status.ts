/** Status codes of net.wasm; the twin of builder/engine/net/plan.h and of Status in engine/compiler/plan_format.py. */

import { AppError } from "../shared/errors";

export const PLAN_STATUS = {
  OK: 0,
  TRUNCATED: 1,
  MAGIC: 2,
  VERSION: 3,
  CHECKSUM: 4,
  SECTION: 5,
  TENSOR: 6,
  OPERATOR: 7,
  OPERAND: 8,
  SHAPE: 9,
  PARAMETER: 10,
  MEMORY: 11,
  STATE: 12,
  ARGUMENT: 13,
  THREAD: 14,
} as const;

const MEGABYTE = 1e6;

/** The error for a model that does not fit: it names how much it needs. */
export function describeNeed(bytes: number): AppError {
  return new AppError("E-MEMORY-MODEL", { megabytes: Math.ceil(bytes / MEGABYTE) });
}

/** Turn a code into the error that a person sees; only memory is anybody's affair outside a bug report. */
export function describePlanStatus(status: number, needBytes = 0): AppError {
  if (status === PLAN_STATUS.MEMORY) return describeNeed(needBytes);
  if (status === PLAN_STATUS.THREAD) return new AppError("E-ENGINE-CRASH", { detail: "net.wasm: a thread died" });
  const name = Object.entries(PLAN_STATUS).find(([, code]) => code === status)?.[0];
  return new AppError("E-ENGINE-START", { detail: `net.wasm: ${name ?? status}` });
}
