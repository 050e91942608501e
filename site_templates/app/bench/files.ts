/** The verified files of one measurement. */

import type { FileRef } from "../shared/manifest";
import { createHasher } from "../shared/sha256";
import { fetchFile, LoadError } from "../shell/fetching";
import type { Contents, MeasuredModel } from "./contents";

export interface MeasuredFiles {
  readonly script: Blob;
  readonly module: ArrayBuffer;
  readonly weights: Blob;
}

/** Bytes that a measurement loads. */
export function countBytes(contents: Contents, model: MeasuredModel): number {
  return list(contents, model).reduce((total, file) => total + file.size_bytes, 0);
}

/** Fetch and verify everything; throws LoadError. `root` leads from the page to the root of the site. */
export async function fetchMeasured(contents: Contents, model: MeasuredModel, root: string): Promise<MeasuredFiles> {
  const { signal } = new AbortController(); // nobody cancels: the files are small, and leaving the page ends it
  const get = (file: FileRef): Promise<Blob> => fetchFile(file, { advance: () => undefined }, signal, root);
  const script = await get(contents.script);
  const module = await (await get(contents.engine.module)).arrayBuffer();
  const whole = createHasher();
  const parts: Blob[] = [];
  for (const part of model.weights_parts) parts.push(await fetchFile(part, { advance: () => undefined, whole }, signal, root));
  if (whole.digest() !== model.weights.sha256) throw new LoadError("E-DIGEST", { path: model.weights.path });
  return { script, module, weights: new Blob(parts) };
}

function list({ script, engine }: Contents, { weights_parts }: MeasuredModel): FileRef[] {
  return [script, engine.module, ...weights_parts];
}
