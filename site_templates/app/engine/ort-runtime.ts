/** Runtime on onnxruntime-web: CPU only, its WebAssembly given as bytes, so that it fetches nothing. */

import * as ort from "onnxruntime-web/wasm";
import type { Runtime } from "./runtime";

const INPUT = "input";
const OUTPUT = "output";
const MAX_THREADS = 4;

/** Create a runtime; `wasm` is ort-wasm-simd-threaded.wasm. */
export function createOrtRuntime(wasm: ArrayBuffer, threads = countThreads()): Runtime {
  let session: ort.InferenceSession | null = null;
  return {
    threads,
    async load(weights) {
      ort.env.wasm.wasmBinary = wasm;
      ort.env.wasm.numThreads = threads;
      ort.env.wasm.proxy = false;
      ort.env.logLevel = "error";
      session = await ort.InferenceSession.create(new Uint8Array(weights), {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
      });
    },
    async run(tensor, shape) {
      if (!session) throw new Error("no weights are loaded");
      const input = new ort.Tensor("float32", tensor, shape);
      const output = (await session.run({ [INPUT]: input }))[OUTPUT];
      input.dispose();
      if (!output || !(output.data instanceof Float32Array)) throw new Error("the network has no float32 output");
      const values = output.data.slice();
      output.dispose();
      return values;
    },
    async release() {
      await session?.release();
      session = null;
    },
  };
}

/** Threads need shared memory, which exists only in isolated pages; one core is left to the page. */
function countThreads(): number {
  return self.crossOriginIsolated ? Math.max(1, Math.min(MAX_THREADS, navigator.hardwareConcurrency - 1)) : 1;
}
