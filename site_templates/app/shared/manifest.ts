/** The contract between builder and page; the twin of builder/webipred/site/manifest.py, field for field. */

export type LocalText = Readonly<Record<string, string>>;

export interface FileRef {
  readonly path: string;
  readonly sha256: string;
  readonly size_bytes: number;
}

export interface ClassRef {
  readonly id: string;
  readonly label: LocalText;
  readonly threshold: number | null;
}

export interface InputRef {
  readonly width: number;
  readonly height: number;
  readonly channels: "rgb" | "gray";
  readonly exif: "ignore" | "apply";
  readonly bit_depth: "reject" | "saturate" | "shift";
  readonly alpha: "reject" | "drop";
}

export interface PreprocessingRef {
  readonly program: string;
  readonly sha256: string;
  readonly steps: readonly string[];
}

export interface OutputDigestsRef {
  readonly plain: string;
  readonly fused: string;
}

export interface GoldenRef {
  readonly image: FileRef;
  readonly class_id: string | null;
  readonly tensor_sha256: string;
  readonly probabilities: readonly number[];
  readonly tolerance: number;
  readonly outputs: OutputDigestsRef | null;
}

export interface BundleManifest {
  readonly format_version: 1;
  readonly id: string;
  readonly version: string;
  readonly name: LocalText;
  readonly summary: LocalText;
  readonly intended_use: LocalText;
  readonly cautions: readonly LocalText[];
  readonly task: "classification" | "multi-label";
  readonly discipline: string;
  readonly modality: readonly string[];
  readonly input: InputRef;
  readonly preprocessing: PreprocessingRef;
  readonly classes: readonly ClassRef[];
  readonly runtime: "compiled" | "onnxruntime-web";
  readonly weights: FileRef;
  readonly weights_parts: readonly FileRef[];
  readonly goldens: readonly GoldenRef[];
}

export interface FallbackRef {
  readonly script: FileRef;
  readonly runtime: FileRef;
}

export interface NetworksRef {
  readonly plain: FileRef;
  readonly plain_threads: FileRef;
  readonly relaxed: FileRef;
  readonly relaxed_threads: FileRef;
}

export interface EngineRef {
  readonly script: FileRef;
  readonly preprocess: FileRef;
  readonly networks: NetworksRef;
  readonly fallback: FallbackRef | null;
}

export interface SiteManifest {
  readonly format_version: 1;
  readonly build_id: string;
  readonly generator: string;
  readonly title: LocalText;
  readonly operator: string;
  readonly languages: readonly string[];
  readonly engine: EngineRef;
  readonly models: readonly BundleManifest[];
  readonly service_worker: "sw.js" | null;
  readonly idle_minutes: number;
}

/** Accept the manifest baked into the page; another format version means that page and builder do not fit. */
export function parseSiteManifest(value: unknown): SiteManifest {
  const manifest = value as Partial<SiteManifest> | null;
  if (manifest?.format_version !== 1 || !Array.isArray(manifest.models) || !manifest.engine) {
    throw new TypeError("the site manifest has an unknown format");
  }
  return manifest as SiteManifest;
}
