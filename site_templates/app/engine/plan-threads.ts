/** Threads of the compiled engine: workers that run instances of the same module over one memory (docs/engine.md, Threads). */

import { AppError } from "../shared/errors";
import { hasSharedMemory } from "../shared/variant";
import type { Engine, Exports } from "./plan-runtime";

/** How many threads there shall be, and what starts this same script as one. */
export interface Threading {
  readonly threads: number;
  startThread(): Worker;
}

/** The name by which the script knows that it is a thread. */
export const THREAD_NAME = "engine-thread";

const INITIAL_PAGES = 16;
/** Address space is reserved up to these; the first is what the builds declare. */
const MAXIMUM_PAGES = [32768, 16384, 8192];
/** A run without any progress for 80 × 250 ms has failed. */
const PATIENCE = 80;
const START_LIMIT_MS = 20_000;

interface SharedExports extends Exports {
  readonly __stack_pointer: WebAssembly.Global<"i32">;
  net_threads(count: number, patience: number): number;
  net_stack(index: number): number;
  net_help(index: number): number;
  net_fail(): void;
}

interface Duty {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly index: number;
  readonly stack: number;
}

/** Instantiate a build with threads; where no thread starts it runs alone, to the same bits. Throws AppError. */
export async function startTeam(module: WebAssembly.Module, threading: Threading): Promise<Engine> {
  if (!hasSharedMemory()) throw new AppError("E-ENGINE-START", { detail: "net.wasm: this page may share no memory" });
  try {
    return await startThreads(module, threading);
  } catch (thrown) {
    if (threading.threads === 1) throw thrown;
    return startThreads(module, { ...threading, threads: 1 });
  }
}

async function startThreads(module: WebAssembly.Module, { threads, startThread }: Threading): Promise<Engine> {
  const memory = createMemory();
  const exports = instantiate(module, memory);
  if (exports.net_threads(threads, PATIENCE) !== 0) throw new AppError("E-MEMORY");
  const workers: Worker[] = [];
  const end = (): void => workers.forEach((worker) => worker.terminate());
  try {
    const started = Array.from({ length: threads - 1 }, (_, i) => {
      const worker = startThread();
      workers.push(worker);
      return sendDuty(worker, { module, memory, index: i + 1, stack: exports.net_stack(i + 1) >>> 0 }, () => exports.net_fail());
    });
    await Promise.all(started);
  } catch (thrown) {
    end();
    throw thrown;
  }
  return { exports, memory, threads, end };
}

/** Resolves when the thread is ready to help; `fail` is told when it dies later. */
function sendDuty(worker: Worker, duty: Duty, fail: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AppError("E-ENGINE-START", { detail: "net.wasm: a thread is late" })), START_LIMIT_MS);
    worker.addEventListener("message", () => (clearTimeout(timer), resolve()), { once: true });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      clearTimeout(timer);
      fail();
      reject(new AppError("E-ENGINE-START", { detail: "net.wasm: a thread failed" }));
    });
    worker.postMessage(duty);
  });
}

/** What the script does as a thread: wait for its duty, then help until the end. */
export function serveAsThread(): void {
  self.addEventListener("message", ({ data: { module, memory, index, stack } }: MessageEvent<Duty>) => {
    const engine = instantiate(module, memory);
    engine.__stack_pointer.value = stack;
    self.postMessage("ready");
    try {
      engine.net_help(index); // comes back only after a thread has died
    } finally {
      engine.net_fail();
    }
  });
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): SharedExports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as SharedExports; // ABI: plan-runtime.ts
}

function createMemory(): WebAssembly.Memory {
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch {
      continue; // less address space may be had
    }
  }
  throw new AppError("E-MEMORY");
}
