/** Preprocessing by engine.wasm, the same file that validated the model (ABI: docs/preprocessor.md). */

import { AppError } from "../shared/errors";
import type { Pixels } from "./pixels";
import { describeStatus } from "./status";

const ABI_VERSION = 1;
const RESULT_WORDS = 4;
/** A module whose memory has grown past this is replaced after the image, because WebAssembly memory never shrinks. */
const KEPT_MEMORY_BYTES = 96 << 20;

export interface Tensor {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array<ArrayBuffer>;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  reserve(size: number): number;
  reset(): void;
  abi_version(): number;
  preprocess(
    program: number, programBytes: number, image: number,
    height: number, width: number, channels: number, result: number,
  ): number;
}

export interface Preprocessor {
  /** Run the compiled program on an image; the tensor is a copy of its own. */
  run(pixels: Pixels): Tensor;
}

/** Compile engine.wasm for one program. */
export async function createPreprocessor(wasm: ArrayBuffer, program: Uint8Array): Promise<Preprocessor> {
  const module = await WebAssembly.compile(wasm);
  let exports = instantiate(module);
  return {
    run(pixels) {
      try {
        return execute(exports, program, pixels);
      } finally {
        if (exports.memory.buffer.byteLength > KEPT_MEMORY_BYTES) exports = instantiate(module);
      }
    },
  };
}

function instantiate(module: WebAssembly.Module): Exports {
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports; // the ABI is checked right below
  if (exports.abi_version() !== ABI_VERSION) throw new AppError("E-ENGINE-START", { detail: "engine.wasm ABI" });
  return exports;
}

function execute(engine: Exports, program: Uint8Array, { width, height, channels, data }: Pixels): Tensor {
  engine.reset();
  const programPointer = place(engine, program);
  const imagePointer = place(engine, data);
  const result = reserve(engine, RESULT_WORDS * 4);
  const status = engine.preprocess(programPointer, program.length, imagePointer, height, width, channels, result);
  if (status !== 0) throw describeStatus(status);
  const words = new Uint32Array(engine.memory.buffer, result, RESULT_WORDS);
  const [pointer = 0, outHeight = 0, outWidth = 0, outChannels = 0] = words;
  const tensor = new Float32Array(engine.memory.buffer, pointer, outHeight * outWidth * outChannels).slice();
  return { height: outHeight, width: outWidth, channels: outChannels, data: tensor };
}

function place(engine: Exports, bytes: Uint8Array): number {
  const pointer = reserve(engine, bytes.length);
  new Uint8Array(engine.memory.buffer, pointer, bytes.length).set(bytes);
  return pointer;
}

function reserve(engine: Exports, size: number): number {
  const pointer = engine.reserve(size);
  if (pointer === 0) throw new AppError("E-MEMORY");
  return pointer >>> 0;
}
