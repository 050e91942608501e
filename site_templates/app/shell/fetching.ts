/** The only module that fetches: files that the pinned manifest names, verified before anyone uses them. */

import type { FileRef } from "../shared/manifest";
import { createHasher, type Hasher } from "../shared/sha256";

/** The workspace lies one folder below the root that the manifest's paths start from. */
const ROOT = "../";

const PIECE_BYTES = 2 << 20;
/** Data that has already come is read without a pause; after so long the page gets its turn. */
const TURN_MS = 25;

export type LoadErrorCode = "E-OFFLINE" | "E-STATUS" | "E-HTML" | "E-SIZE" | "E-DIGEST" | "E-VERSION";

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

/** Told of the bytes as they arrive. */
export interface Listener {
  /** Count them. */
  advance(bytes: number): void;
  /** Hash them too, where the file is a part of something larger. */
  readonly whole?: Hasher | undefined;
}

/** Fetch and verify one file; `root` leads from the page to the root of the site. Throws LoadError, or AbortError. */
export async function fetchFile(file: FileRef, listener: Listener, signal: AbortSignal, root = ROOT): Promise<Blob> {
  const response = await request(file, signal, root);
  if (!response.ok) throw new LoadError("E-STATUS", { path: file.path, status: response.status });
  const hasher = createHasher();
  const received = await read(response, file, listener, hasher, signal);
  if (received.size !== file.size_bytes) throw describeSize(response, file, received.size);
  if (hasher.digest() !== file.sha256) throw new LoadError("E-DIGEST", { path: file.path });
  return received;
}

async function request({ path }: FileRef, signal: AbortSignal, root: string): Promise<Response> {
  try {
    return await fetch(root + path, { method: "GET", credentials: "omit", redirect: "error", signal });
  } catch (thrown) {
    throw signal.aborted ? thrown : new LoadError("E-OFFLINE", { path });
  }
}

/** Read the body in pieces that are hashed and put away; stops at the first byte over the expected size. */
async function read(
  response: Response,
  { path, size_bytes }: FileRef,
  { advance, whole }: Listener,
  hasher: Hasher,
  signal: AbortSignal,
): Promise<Blob> {
  const pieces: Blob[] = [];
  let pending: Uint8Array<ArrayBuffer>[] = [];
  let pendingBytes = 0;
  let size = 0;
  let turnStart = performance.now();
  const putAway = (): void => {
    pieces.push(new Blob(pending)); // a large Blob at once would block the page
    pending = [];
    pendingBytes = 0;
  };
  try {
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value || size > size_bytes) break;
      hasher.update(value);
      whole?.update(value);
      size += value.length;
      pendingBytes += value.length;
      pending.push(value);
      if (pendingBytes >= PIECE_BYTES) putAway();
      advance(value.length);
      if (performance.now() - turnStart > TURN_MS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turnStart = performance.now();
      }
    }
    await reader?.cancel();
  } catch (thrown) {
    throw signal.aborted ? thrown : new LoadError("E-OFFLINE", { path });
  }
  putAway();
  return new Blob(pieces);
}

function describeSize(response: Response, { path, size_bytes: expected }: FileRef, actual: number): LoadError {
  const isPage = (response.headers.get("content-type") ?? "").includes("text/html");
  return new LoadError(isPage ? "E-HTML" : "E-SIZE", { path, actual, expected });
}
