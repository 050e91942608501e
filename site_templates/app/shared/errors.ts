/** Errors that a person sees. The codes are a closed list; each has a sentence `app.error.<code>` in the locales. */

export const ERROR_CODES = [
  "E-IMAGE-EMPTY",
  "E-IMAGE-FORMAT",
  "E-IMAGE-TRUNCATED",
  "E-IMAGE-BROKEN",
  "E-IMAGE-FRAME",
  "E-IMAGE-TOO-LARGE",
  "E-IMAGE-FILE-SIZE",
  "E-IMAGE-BIT-DEPTH",
  "E-IMAGE-ALPHA",
  "E-IMAGE-READ",
  "E-IMAGE-TIMEOUT",
  "E-IMAGE-SMALL",
  "E-PREPROCESS",
  "E-OUTPUT",
  "E-ENGINE-CRASH",
  "E-ENGINE-START",
  "E-MEMORY",
  "E-MEMORY-MODEL",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export type ErrorArguments = Readonly<Record<string, string | number>>;

/** An error with a code of the list and the arguments of its sentence; arguments never hold patient text. */
export class AppError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly args: ErrorArguments = {},
  ) {
    super(code);
    this.name = "AppError";
  }
}

/** What crosses between realms. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly args: ErrorArguments;
}

/** Reduce anything thrown to a code: unknown errors become `fallback`, allocation failures E-MEMORY. */
export function describeError(thrown: unknown, fallback: ErrorCode): ErrorMessage {
  if (thrown instanceof AppError) return { code: thrown.code, args: thrown.args };
  const text = String(thrown);
  if (/out of memory|allocation failed|bad_alloc|Invalid typed array length/i.test(text)) return { code: "E-MEMORY", args: {} };
  return { code: fallback, args: { detail: text.slice(0, 200) } };
}
