/** Every message between realms. Shell → vault is one message, one way; vault ↔ engine is a request protocol. */

import type { ErrorMessage } from "./errors";
import type { BundleManifest } from "./manifest";
import type { Variant } from "./variant";

/** One way to run the model: which build of the engine, and its WebAssembly. */
export interface EngineBuild {
  readonly variant: Variant | "onnxruntime-web";
  readonly runtime: Blob;
}

/**
 * The only message that the vault accepts. The shell made each Blob from bytes that it had verified against the pinned
 * manifest. Blobs, because they cannot change, cross realms without being copied, and so block no page.
 */
export interface LoadMessage {
  readonly type: "load";
  readonly language: string;
  readonly build_id: string;
  readonly generator: string;
  readonly idle_minutes: number;
  readonly model: BundleManifest;
  readonly script: Blob;
  readonly preprocess: Blob;
  /** Best first; the next one is for computers that fail the check with the first. */
  readonly builds: readonly EngineBuild[];
  readonly weights: Blob;
  readonly goldens: readonly Blob[];
}

/** Accept a LoadMessage or return null; only the shape is checked, the sender is the caller's business. */
export function parseLoadMessage(data: unknown): LoadMessage | null {
  const message = data as Partial<LoadMessage> | null;
  if (typeof message !== "object" || message?.type !== "load" || message.model?.format_version !== 1) return null;
  const runtimes = (message.builds ?? []).map(({ runtime }) => runtime);
  const files = [message.script, message.preprocess, message.weights, ...runtimes, ...(message.goldens ?? [])];
  return runtimes.length > 0 && files.every((file) => file instanceof Blob) ? (message as LoadMessage) : null;
}

/** A small picture of the decoded pixels, RGBA, for display only. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface Prediction {
  readonly probabilities: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly thumbnail: Thumbnail;
}

/** What the engine can be asked: request and answer by name. */
export interface Tasks {
  start: {
    request: {
      readonly model: BundleManifest;
      readonly preprocess: Blob;
      readonly runtime: Blob;
      readonly weights: Blob;
      /** How many threads a build with threads shall have; their number changes no bit. */
      readonly threads: number;
    };
    answer: { readonly threads: number };
  };
  prove: {
    request: { readonly image: Blob };
    answer: { readonly tensor_sha256: string; readonly output_sha256: string; readonly probabilities: readonly number[] };
  };
  predict: { request: { readonly image: ArrayBuffer; readonly thumbnail_px: number }; answer: Prediction };
  preview: { request: { readonly image: ArrayBuffer; readonly size_px: number }; answer: Thumbnail };
}

export type TaskName = keyof Tasks;

export type Request = { [N in TaskName]: { readonly id: number; readonly type: N } & Tasks[N]["request"] }[TaskName];

export type Reply =
  | { readonly id: number; readonly type: "progress"; readonly step: string }
  | { readonly id: number; readonly type: "done"; readonly answer: unknown }
  | { readonly id: number; readonly type: "failed"; readonly error: ErrorMessage };
