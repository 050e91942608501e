// Runs one network in Node's V8 and answers each line "run" on standard input with the milliseconds of one inference.
// node [--experimental-wasm-relaxed-simd] bench_engine_worker.mjs own ENGINE.wasm FILE.plan INPUT.f32
// node bench_engine_worker.mjs web ORT_FOLDER FILE.onnx INPUT.f32 SHAPE
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [kind, engine, model, inputFile, shape] = process.argv.slice(2);
const bytes = readFileSync(inputFile);
const input = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

async function openOwn() {
  const { instance } = await WebAssembly.instantiate(readFileSync(engine), {});
  const net = instance.exports;
  const plan = readFileSync(model);
  const started = performance.now();
  const words = net.reserve(32);
  const place = net.reserve(plan.length);
  new Uint8Array(net.memory.buffer, place, plan.length).set(plan);
  const status = net.net_load(place, plan.length);
  if (status !== 0) throw new Error(`net_load: ${status}`);
  const ready = performance.now() - started;
  const port = (index) => {
    if (net.net_port(index, words) !== 0) throw new Error("net_port");
    const [pointer, rank, ...sizes] = new Uint32Array(net.memory.buffer, words, 8);
    const count = sizes.slice(0, rank).reduce((product, size) => product * size, 1);
    return new Float32Array(net.memory.buffer, pointer, count);
  };
  return {
    ready,
    run: async () => { port(0).set(input); net.net_run(0, -1); return Array.from(port(1)); },
    profile: () => {
      const times = [];
      for (let index = 0; index < net.net_operators(); index++) {
        const before = performance.now();
        net.net_run(index, index + 1);
        times.push(performance.now() - before);
      }
      return times;
    },
  };
}

async function openWeb() {
  const ort = await import(pathToFileURL(`${engine}/dist/ort.wasm.bundle.min.mjs`).href);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = pathToFileURL(`${engine}/dist/`).href;
  const started = performance.now();
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(model)), { executionProviders: ["wasm"] });
  const ready = performance.now() - started;
  const tensor = new ort.Tensor("float32", input, shape.split(",").map(Number));
  return { ready, run: async () => Array.from((await session.run({ [session.inputNames[0]]: tensor }))[session.outputNames[0]].data) };
}

const network = kind === "own" ? await openOwn() : await openWeb();
console.log(JSON.stringify({ ready: network.ready }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "profile") { console.log(JSON.stringify(network.profile())); continue; }
  const started = performance.now();
  const before = process.cpuUsage();
  const output = await network.run();
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ wall: performance.now() - started, cpu: (user + system) / 1000, output: output.slice(0, 16) }));
}
