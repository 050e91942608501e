/** The verified files of one measurement. */

import type { FileRef } from "../shared/manifest";
import { createHasher } from "../shared/sha256";
import { fetchFile, LoadError } from "../shell/fetching";
import type { Variant } from "../shared/variant";
import type { Contents, MeasuredModel } from "./contents";

export interface MeasuredFiles {
  readonly script: Blob;
  readonly modules: ReadonlyMap<Variant, ArrayBuffer>;
  readonly weights: Blob;
}

/** Bytes that a measurement loads. */
export function countBytes(contents: Contents, model: MeasuredModel, variants: readonly Variant[]): number {
  return list(contents, model, variants).reduce((total, file) => total + file.size_bytes, 0);
}

/** Fetch and verify everything; throws LoadError. `root` leads from the page to the root of the site. */
export async function fetchMeasured(
  contents: Contents,
  model: MeasuredModel,
  variants: readonly Variant[],
  root: string,
): Promise<MeasuredFiles> {
  const { signal } = new AbortController(); // nobody cancels: the files are small, and leaving the page ends it
  const get = (file: FileRef): Promise<Blob> => fetchFile(file, { advance: () => undefined }, signal, root);
  const script = await get(contents.script);
  const modules = new Map<Variant, ArrayBuffer>();
  for (const variant of variants) modules.set(variant, await (await get(contents.networks[variant])).arrayBuffer());
  const whole = createHasher();
  const parts: Blob[] = [];
  for (const part of model.weights_parts) parts.push(await fetchFile(part, { advance: () => undefined, whole }, signal, root));
  if (whole.digest() !== model.weights.sha256) throw new LoadError("E-DIGEST", { path: model.weights.path });
  return { script, modules, weights: new Blob(parts) };
}

function list({ script, networks }: Contents, { weights_parts }: MeasuredModel, variants: readonly Variant[]): FileRef[] {
  return [script, ...variants.map((variant) => networks[variant]), ...weights_parts];
}
