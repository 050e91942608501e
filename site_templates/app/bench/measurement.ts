/** One measurement: open the engine, warm it up, run the same made-up image again and again. */

import type { BenchReply, BenchRequest } from "../shared/bench-messages";
import type { Variant } from "../shared/variant";
import { takeMedian, takeNinetieth } from "./figures";
import type { MeasuredModel } from "./contents";
import type { MeasuredFiles } from "./files";
import type { BenchWorker } from "./worker";

const WARM_UP = { ms: 500, runs: 3, block: 1 };
const MEASURED = { ms: 3000, runs: 10 };
/** A time shorter than this is the mean of several runs; a page that is not isolated sees tenths of a millisecond. */
const BLOCK_MS = 5;
const MAX_BLOCK = 100;
/** Of fast networks; more tell nothing new. */
const MAX_RUNS = 300;

/** A build of the engine and the threads that it is to use. */
export interface Setting {
  readonly variant: Variant;
  readonly threads: number;
}

export interface Times {
  readonly variant: Variant;
  readonly threads: number;
  readonly ready_ms: number;
  readonly first_ms: number;
  readonly median_ms: number;
  readonly p90_ms: number;
  readonly runs: number;
}

/** Why a measurement ended early. */
export class MeasurementError extends Error {
  constructor(readonly code: string) {
    super(code);
    this.name = "MeasurementError";
  }
}

/** Measure one setting; `advance` is told the share that is done, 0 … 1. Throws MeasurementError. */
export async function measure(
  files: MeasuredFiles,
  model: MeasuredModel,
  { variant, threads }: Setting,
  startWorker: (script: Blob) => BenchWorker,
  advance: (share: number) => void,
): Promise<Times> {
  const wasm = files.modules.get(variant);
  if (!wasm) throw new MeasurementError("E-ENGINE-START");
  const weights = await files.weights.arrayBuffer();
  const worker = startWorker(files.script);
  const ask = async (request: BenchRequest, transfer: Transferable[] = []): Promise<Exclude<BenchReply, { type: "failed" }>> => {
    const reply = await worker.ask(request, transfer);
    if (reply.type === "failed") throw new MeasurementError(reply.code);
    return reply;
  };
  try {
    const { shape } = model;
    const open = { type: "open", wasm, weights, shape, input: makeImage(shape), threads } as const;
    const opened = await ask(open, [weights]);
    if (opened.type !== "opened") throw new MeasurementError("E-ENGINE-START");
    const warm = await repeat(ask, WARM_UP, () => undefined);
    const mean = warm.reduce((sum, time) => sum + time, 0) / warm.length;
    const block = Math.min(MAX_BLOCK, Math.max(1, Math.ceil(BLOCK_MS / mean)));
    const times = await repeat(ask, { ...MEASURED, block }, advance);
    const { ready_ms, first_ms } = opened;
    return { variant, threads: opened.threads, ready_ms, first_ms, median_ms: takeMedian(times), p90_ms: takeNinetieth(times), runs: times.length * block };
  } finally {
    worker.terminate();
  }
}

/** Noise in −1 … 1 from a small generator (xorshift, Marsaglia 2003): the same on every machine, and nobody's image. */
function makeImage(shape: readonly number[]): Float32Array<ArrayBuffer> {
  let state = 2463534242;
  return new Float32Array(shape.reduce((product, size) => product * size, 1)).map(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

async function repeat(
  ask: (request: BenchRequest) => Promise<BenchReply>,
  goal: { readonly ms: number; readonly runs: number; readonly block: number },
  advance: (share: number) => void,
): Promise<number[]> {
  const times: number[] = [];
  let total = 0;
  while ((total < goal.ms || times.length < goal.runs) && times.length < MAX_RUNS) {
    const reply = await ask({ type: "run", count: 1, block: goal.block });
    if (reply.type !== "timed") throw new MeasurementError("E-ENGINE-CRASH");
    times.push(...reply.times_ms);
    total += goal.block * reply.times_ms.reduce((sum, time) => sum + time, 0);
    advance(Math.min(1, Math.max(Math.min(total / goal.ms, times.length / goal.runs), times.length / MAX_RUNS)));
  }
  return times;
}
