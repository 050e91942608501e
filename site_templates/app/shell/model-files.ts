/** All files of one model and of the engine, verified; the shell keeps them so that "Clear" needs no request. */

import type { BundleManifest, FileRef, SiteManifest } from "../shared/manifest";
import type { LoadMessage } from "../shared/messages";
import { hash } from "../shared/sha256";
import { fetchFile, LoadError } from "./fetching";

export interface ModelFiles {
  readonly model: BundleManifest;
  readonly script: ArrayBuffer;
  readonly preprocess: ArrayBuffer;
  readonly runtime: ArrayBuffer;
  readonly weights: ArrayBuffer;
  readonly goldens: readonly ArrayBuffer[];
}

/** Bytes that loading the model will fetch. */
export function countBytes(site: SiteManifest, model: BundleManifest): number {
  return listFiles(site, model).reduce((total, file) => total + file.size_bytes, 0);
}

/** Fetch everything; `progress` is told the bytes so far. Throws LoadError, or AbortError when cancelled. */
export async function fetchModel(
  site: SiteManifest,
  model: BundleManifest,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ModelFiles> {
  let loaded = 0;
  const get = async (file: FileRef): Promise<ArrayBuffer> => {
    const bytes = await fetchFile(file, (count) => progress((loaded += count)), signal);
    return bytes.buffer;
  };
  const script = await get(site.engine.script);
  const preprocess = await get(site.engine.preprocess);
  const runtime = await get(site.engine.runtime);
  const goldens: ArrayBuffer[] = [];
  for (const { image } of model.goldens) goldens.push(await get(image));
  const parts: ArrayBuffer[] = [];
  for (const part of model.weights_parts) parts.push(await get(part));
  return { model, script, preprocess, runtime, goldens, weights: await join(model.weights, parts) };
}

/** The message for a vault, made of copies: the vault gets them, the shell keeps the originals. */
export function createLoadMessage(site: SiteManifest, files: ModelFiles, language: string): LoadMessage {
  return {
    type: "load",
    language,
    build_id: site.build_id,
    generator: site.generator,
    model: files.model,
    script: files.script.slice(0),
    preprocess: files.preprocess.slice(0),
    runtime: files.runtime.slice(0),
    weights: files.weights.slice(0),
    goldens: files.goldens.map((golden) => golden.slice(0)),
  };
}

function listFiles({ engine }: SiteManifest, { weights_parts, goldens }: BundleManifest): FileRef[] {
  return [engine.script, engine.preprocess, engine.runtime, ...goldens.map(({ image }) => image), ...weights_parts];
}

/** Join the parts of large weights and verify the whole. */
async function join(weights: FileRef, parts: readonly ArrayBuffer[]): Promise<ArrayBuffer> {
  const [only] = parts;
  const bytes = parts.length === 1 && only ? new Uint8Array(only) : concatenate(parts, weights.size_bytes);
  if ((await hash(bytes, crypto.subtle as SubtleCrypto | undefined)) !== weights.sha256) {
    throw new LoadError("E-DIGEST", { path: weights.path });
  }
  return bytes.buffer;
}

function concatenate(parts: readonly ArrayBuffer[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part), offset);
    offset += part.byteLength;
  }
  return bytes;
}
