/** Runtime on our own compiled engine, a build of net.wasm: the plan is loaded once and executed (calls: docs/engine.md). */

import { AppError } from "../shared/errors";
import { describeNeed, describePlanStatus } from "./plan-status";
import { startTeam, type Threading } from "./plan-threads";
import type { Runtime } from "./runtime";

const ABI_VERSION = 1;
/** A port is described by eight words: pointer, rank, six sizes. */
const PORT_WORDS = 8;
const INPUT_PORT = 0;
/** The canonical network has one output, its probabilities. */
const OUTPUT_PORT = 1;
const WHOLE = 0xffffffff;

export interface Exports {
  net_abi_version(): number;
  reserve(size: number): number;
  net_load(plan: number, size: number): number;
  net_need(): number;
  net_port(index: number, words: number): number;
  net_run(first: number, end: number): number;
}

interface Port {
  readonly pointer: number;
  readonly shape: readonly number[];
}

interface Network {
  readonly engine: Exports;
  readonly memory: WebAssembly.Memory;
  readonly input: Port;
  readonly output: Port;
}

/** An instance of the engine with its memory, and the threads that work for it. */
export interface Engine {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
  readonly threads: number;
  end(): void;
}

/** Create a runtime; `wasm` is a build of net.wasm, the weights are a plan. Builds that import their memory get threads. */
export function createPlanRuntime(wasm: ArrayBuffer, threading: Threading): Runtime {
  let engine: Engine | null = null;
  let network: Network | null = null;
  return {
    get threads() {
      return engine?.threads ?? 1;
    },
    async load(weights) {
      const module = await WebAssembly.compile(wasm);
      const shares = WebAssembly.Module.imports(module).length > 0;
      engine = shares ? await startTeam(module, threading) : startAlone(module);
      if (engine.exports.net_abi_version() !== ABI_VERSION) throw new AppError("E-ENGINE-START", { detail: "net.wasm ABI" });
      network = loadPlan(engine, weights);
    },
    run(tensor, shape) {
      if (!network) return Promise.reject(new Error("no weights are loaded"));
      return Promise.resolve(network).then((loaded) => execute(loaded, tensor, shape));
    },
    release() {
      network = null; // the memory goes with its instance
      engine?.end();
      return Promise.resolve();
    },
  };
}

function startAlone(module: WebAssembly.Module): Engine {
  const { exports } = new WebAssembly.Instance(module, {});
  return {
    exports: exports as unknown as Exports, // the ABI is checked by the caller
    memory: exports["memory"] as WebAssembly.Memory,
    threads: 1,
    end: () => undefined,
  };
}

function loadPlan({ exports: engine, memory }: Engine, plan: ArrayBuffer): Network {
  const words = reserve(engine, PORT_WORDS * 4);
  const place = reserve(engine, plan.byteLength);
  new Uint8Array(memory.buffer, place, plan.byteLength).set(new Uint8Array(plan));
  check(engine.net_load(place, plan.byteLength), () => plan.byteLength + (engine.net_need() >>> 0));
  const [input, output] = [INPUT_PORT, OUTPUT_PORT].map((index) => readPort(engine, memory, index, words)) as [Port, Port];
  return { engine, memory, input, output };
}

/** Every view is made anew where it is used: memory may have grown since, and then the old ones are empty. */
function execute(
  { engine, memory, input, output }: Network,
  tensor: Float32Array,
  shape: readonly number[],
): Float32Array<ArrayBuffer> {
  if (input.shape.join() !== shape.join()) throw new AppError("E-ENGINE-START", { detail: "net.wasm: input shape" });
  new Float32Array(memory.buffer, input.pointer, tensor.length).set(tensor);
  check(engine.net_run(0, WHOLE));
  return new Float32Array(memory.buffer, output.pointer, countValues(output)).slice(); // a copy that is not shared
}

function readPort(engine: Exports, memory: WebAssembly.Memory, index: number, place: number): Port {
  check(engine.net_port(index, place));
  const [pointer = 0, rank = 0, ...sizes] = new Uint32Array(memory.buffer, place, PORT_WORDS);
  return { pointer, shape: sizes.slice(0, rank) };
}

function countValues({ shape }: Port): number {
  return shape.reduce((product, size) => product * size, 1);
}

function reserve(engine: Exports, size: number): number {
  const pointer = engine.reserve(size);
  if (pointer === 0) throw describeNeed(size);
  return pointer >>> 0;
}

function check(status: number, needBytes: () => number = () => 0): void {
  if (status !== 0) throw describePlanStatus(status, needBytes());
}
