/** The only module that fetches: files that the pinned manifest names, verified before anyone uses them. */

import type { FileRef } from "../shared/manifest";
import { hash } from "../shared/sha256";

/** The workspace lies one folder below the root that the manifest's paths start from. */
const ROOT = "../";

export type LoadErrorCode = "E-OFFLINE" | "E-STATUS" | "E-HTML" | "E-SIZE" | "E-DIGEST";

/** Why a file could not be had; `args` fill the sentence `app.load.<code>`. */
export class LoadError extends Error {
  constructor(
    readonly code: LoadErrorCode,
    readonly args: Readonly<Record<string, string | number>>,
  ) {
    super(code);
    this.name = "LoadError";
  }
}

/** Fetch and verify one file; `advance` is told the bytes as they arrive. Throws LoadError, or AbortError. */
export async function fetchFile(
  file: FileRef,
  advance: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(file, signal);
  if (!response.ok) throw new LoadError("E-STATUS", { path: file.path, status: response.status });
  const bytes = await read(response, file, advance, signal);
  if ((await hash(bytes, crypto.subtle as SubtleCrypto | undefined)) !== file.sha256) {
    throw new LoadError("E-DIGEST", { path: file.path });
  }
  return bytes;
}

async function request({ path }: FileRef, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(ROOT + path, { method: "GET", credentials: "omit", redirect: "error", signal });
  } catch (thrown) {
    throw signal.aborted ? thrown : new LoadError("E-OFFLINE", { path });
  }
}

/** Read into one buffer of the expected size; more or less than that is an error. */
async function read(
  response: Response,
  { path, size_bytes: expected }: FileRef,
  advance: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(expected);
  let actual = 0;
  try {
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value) break;
      if (actual + value.length <= expected) bytes.set(value, actual);
      actual += value.length;
      advance(value.length);
      if (actual > expected) await reader?.cancel();
    }
  } catch (thrown) {
    throw signal.aborted ? thrown : new LoadError("E-OFFLINE", { path });
  }
  if (actual === expected) return bytes;
  const isPage = (response.headers.get("content-type") ?? "").includes("text/html");
  throw new LoadError(isPage ? "E-HTML" : "E-SIZE", { path, actual, expected });
}
