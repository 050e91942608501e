/** All files of one model and of the engine, verified; the shell keeps them so that "Clear" needs no request. */

import type { BundleManifest, FileRef, SiteManifest } from "../shared/manifest";
import type { EngineBuild, LoadMessage } from "../shared/messages";
import { createHasher } from "../shared/sha256";
import { listVariants } from "../shared/variant";
import { fetchFile, LoadError } from "./fetching";

export interface ModelFiles {
  readonly model: BundleManifest;
  readonly script: Blob;
  readonly preprocess: Blob;
  readonly builds: readonly EngineBuild[];
  readonly weights: Blob;
  readonly goldens: readonly Blob[];
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
  const advance = (count: number): void => progress((loaded += count));
  const get = async (file: FileRef): Promise<Blob> => fetchFile(file, { advance }, signal);
  const whole = model.weights_parts.length > 1 ? createHasher() : undefined;
  const parts: Blob[] = [];
  const engine = selectEngine(site, model);
  const script = await get(engine.script);
  const preprocess = await get(engine.preprocess);
  const builds: EngineBuild[] = [];
  for (const { variant, file } of engine.builds) builds.push({ variant, runtime: await get(file) });
  const goldens: Blob[] = [];
  for (const { image } of model.goldens) goldens.push(await get(image));
  for (const part of model.weights_parts) parts.push(await fetchFile(part, { advance, whole }, signal));
  const digest = whole ? whole.digest() : model.weights_parts[0]?.sha256;
  if (digest !== model.weights.sha256) throw new LoadError("E-DIGEST", { path: model.weights.path });
  return { model, script, preprocess, builds, goldens, weights: new Blob(parts) };
}

/** The message for a vault; the shell keeps the same files, so that a new vault needs no request. */
export function createLoadMessage(site: SiteManifest, files: ModelFiles, language: string): LoadMessage {
  const { build_id, generator, idle_minutes } = site;
  return { type: "load", language, build_id, generator, idle_minutes, ...files };
}

function listFiles(site: SiteManifest, model: BundleManifest): FileRef[] {
  const { script, preprocess, builds } = selectEngine(site, model);
  return [script, preprocess, ...builds.map(({ file }) => file), ...model.goldens.map(({ image }) => image), ...model.weights_parts];
}

interface EngineFiles {
  readonly script: FileRef;
  readonly preprocess: FileRef;
  readonly builds: readonly { readonly variant: EngineBuild["variant"]; readonly file: FileRef }[];
}

/** The engine's files for this model: the builds of the compiled engine that suit this browser, or onnxruntime-web. */
function selectEngine({ engine }: SiteManifest, { runtime }: BundleManifest): EngineFiles {
  const { script, preprocess, networks, fallback } = engine;
  if (runtime === "compiled") {
    return { script, preprocess, builds: listVariants().map((variant) => ({ variant, file: networks[variant] })) };
  }
  if (!fallback) throw new TypeError("the site ships no onnxruntime-web");
  return { script: fallback.script, preprocess, builds: [{ variant: runtime, file: fallback.runtime }] };
}
