/** Runtime on our own compiled engine, net.wasm: the plan is loaded once and executed (calls: docs/engine.md). */

import { AppError } from "../shared/errors";
import { describeNeed, describePlanStatus } from "./plan-status";
import type { Runtime } from "./runtime";

const ABI_VERSION = 1;
/** A port is described by eight words: pointer, rank, six sizes. */
const PORT_WORDS = 8;
const INPUT_PORT = 0;
/** The canonical network has one output, its probabilities. */
const OUTPUT_PORT = 1;
const WHOLE = 0xffffffff;

interface Exports {
  readonly memory: WebAssembly.Memory;
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
  readonly input: Port;
  readonly output: Port;
}

/** Create a runtime; `wasm` is net.wasm, the weights are a plan. */
export function createPlanRuntime(wasm: ArrayBuffer): Runtime {
  let network: Network | null = null;
  return {
    threads: 1,
    async load(weights) {
      network = loadPlan(await instantiate(wasm), weights);
    },
    run(tensor, shape) {
      if (!network) return Promise.reject(new Error("no weights are loaded"));
      return Promise.resolve(network).then((loaded) => execute(loaded, tensor, shape));
    },
    release() {
      network = null; // the memory goes with its instance
      return Promise.resolve();
    },
  };
}

async function instantiate(wasm: ArrayBuffer): Promise<Exports> {
  const { instance } = await WebAssembly.instantiate(wasm, {});
  const engine = instance.exports as unknown as Exports; // the ABI is checked right below
  if (engine.net_abi_version() !== ABI_VERSION) throw new AppError("E-ENGINE-START", { detail: "net.wasm ABI" });
  return engine;
}

function loadPlan(engine: Exports, plan: ArrayBuffer): Network {
  const words = reserve(engine, PORT_WORDS * 4);
  const place = reserve(engine, plan.byteLength);
  new Uint8Array(engine.memory.buffer, place, plan.byteLength).set(new Uint8Array(plan));
  check(engine.net_load(place, plan.byteLength), () => plan.byteLength + (engine.net_need() >>> 0));
  return { engine, input: readPort(engine, INPUT_PORT, words), output: readPort(engine, OUTPUT_PORT, words) };
}

/** Every view is made anew where it is used: memory may have grown since, and then the old ones are empty. */
function execute({ engine, input, output }: Network, tensor: Float32Array, shape: readonly number[]): Float32Array {
  if (input.shape.join() !== shape.join()) throw new AppError("E-ENGINE-START", { detail: "net.wasm: input shape" });
  new Float32Array(engine.memory.buffer, input.pointer, tensor.length).set(tensor);
  check(engine.net_run(0, WHOLE));
  return new Float32Array(engine.memory.buffer, output.pointer, countValues(output)).slice();
}

function readPort(engine: Exports, index: number, place: number): Port {
  check(engine.net_port(index, place));
  const [pointer = 0, rank = 0, ...sizes] = new Uint32Array(engine.memory.buffer, place, PORT_WORDS);
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
