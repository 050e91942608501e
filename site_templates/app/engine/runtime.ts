/** What executes a network: load once, run often, release. One implementation a file, each with a script of its own. */

export interface Runtime {
  /** Take the weights; afterwards `threads` is known. */
  load(weights: ArrayBuffer): Promise<void>;
  /** Run one image, float32 of `shape` (1, height, width, channels); returns the probabilities. */
  run(tensor: Float32Array<ArrayBuffer>, shape: readonly number[]): Promise<Float32Array<ArrayBuffer>>;
  release(): Promise<void>;
  readonly threads: number;
}

/** Makes a runtime from its WebAssembly, which it gets as bytes, so that nothing is fetched; `threads` is the most it may use. */
export type CreateRuntime = (wasm: ArrayBuffer, threads: number) => Runtime;
