// Runs one plan with several numbers of threads, interleaved; prints one JSON line: digest, wall and processor time of each.
// node scripts/run_threads.cjs ENGINE PLAN INPUT COUNTS [ROUNDS] [BREAK]
// On a quiet machine compare median_ms; on a busy one processor_ms: what it grows by is the price of sharing.
// ENGINE is a threads build, or a single build for COUNTS 1; INPUT holds float32. BREAK: "trap" or "vanish" ends a thread in the last round.
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");

const MAXIMUM_PAGES = 32768;
const INITIAL_PAGES = 16;
const PATIENCE = 8; // times 250 ms

function help() {
  const { module, memory, index, stack } = workerData;
  const { exports: net } = new WebAssembly.Instance(module, { env: { memory } });
  net.__stack_pointer.value = stack;
  parentPort.postMessage("ready");
  parentPort.once("message", (broken) => {
    if (broken === "vanish") process.exit();
    if (broken === "trap") return net.net_fail();
    net.net_help(index);
  });
}

async function start(module, plan, count) {
  const shares = WebAssembly.Module.imports(module).length > 0;
  const memory = shares ? new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true }) : null;
  const { exports: net } = new WebAssembly.Instance(module, memory ? { env: { memory } } : {});
  if (memory) check(net.net_threads(count, PATIENCE));
  const words = net.reserve(32);
  const place = net.reserve(plan.length);
  const buffer = () => (memory ?? net.memory).buffer;
  new Uint8Array(buffer(), place, plan.length).set(plan);
  check(net.net_load(place, plan.length));
  const workers = [];
  for (let index = 1; index < count; index++) {
    const worker = new Worker(__filename, { workerData: { module, memory, index, stack: net.net_stack(index) } });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    workers.push(worker);
  }
  return { net, workers, words, buffer };
}

function port({ net, words, buffer }, index) {
  check(net.net_port(index, words));
  const [pointer, rank, ...sizes] = new Uint32Array(buffer(), words, 8);
  return new Uint8Array(buffer(), pointer, 4 * sizes.slice(0, rank).reduce((a, b) => a * b, 1));
}

function check(status) {
  if (status !== 0) throw new Error(`status ${status}`);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

async function main([engine, plan, input, counts, rounds = "1", broken]) {
  const module = new WebAssembly.Module(readFileSync(engine));
  const teams = new Map();
  for (const count of counts.split(",").map(Number)) {
    const team = await start(module, readFileSync(plan), count);
    team.workers.forEach((worker, i) => worker.postMessage(i === 0 ? (broken ?? "help") : "help"));
    teams.set(count, { ...team, times: [], processor: [] });
  }
  const image = readFileSync(input);
  for (let round = 0; round < Number(rounds); round++)
    for (const team of teams.values()) {
      port(team, 0).set(image);
      const [before, used] = [performance.now(), process.cpuUsage()];
      team.status = team.net.net_run(0, -1);
      team.times.push(performance.now() - before);
      const { user, system } = process.cpuUsage(used); // of all threads: tells on a busy machine what waiting and sharing cost
      team.processor.push((user + system) / 1000);
      team.digest = createHash("sha256").update(port(team, 1)).digest("hex");
    }
  const results = {};
  for (const [count, { status, digest, times, processor }] of teams)
    results[count] = { status, digest, median_ms: median(times), best_ms: Math.min(...times), processor_ms: median(processor) };
  process.stdout.write(JSON.stringify(results));
  process.exit(); // the threads wait for a run that never comes
}

if (isMainThread) main(process.argv.slice(2));
else help();
