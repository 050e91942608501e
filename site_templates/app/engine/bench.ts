/** Measures a runtime: opens a network once, then runs the same tensor as often as asked. */

import type { BenchReply, BenchRequest, OpenRequest } from "../shared/bench-messages";
import { describeError } from "../shared/errors";
import type { Runtime } from "./runtime";

/** Makes a runtime with this many threads, or as many as it can have. */
export type CreateMeasured = (request: OpenRequest) => Runtime;

/** Answer the requests of the page that measures, one after another. */
export function serveBench(createRuntime: CreateMeasured): void {
  let run: (() => Promise<Float32Array>) | null = null;
  let last: Promise<void> = Promise.resolve();
  self.addEventListener("message", ({ data }: MessageEvent<BenchRequest>) => {
    last = last.then(async () => self.postMessage(await answer(data)));
  });

  async function answer(request: BenchRequest): Promise<BenchReply> {
    try {
      return request.type === "open" ? await open(request) : { type: "timed", times_ms: await time(request.count, request.block) };
    } catch (thrown) {
      const { code, args } = describeError(thrown, "E-ENGINE-START");
      return { type: "failed", code, detail: String(args["detail"] ?? "") };
    }
  }

  async function open(request: OpenRequest): Promise<BenchReply> {
    const { weights, input, shape } = request;
    const started = performance.now();
    const runtime = createRuntime(request);
    await runtime.load(weights);
    const ready = performance.now();
    const values = await runtime.run(input, shape);
    const first_ms = performance.now() - ready;
    run = () => runtime.run(input, shape);
    return { type: "opened", ready_ms: ready - started, first_ms, threads: runtime.threads, values: Array.from(values) };
  }

  async function time(count: number, block: number): Promise<number[]> {
    if (!run) throw new Error("nothing is open");
    const times: number[] = [];
    for (let done = 0; done < count; done++) {
      const started = performance.now();
      for (let place = 0; place < block; place++) await run();
      times.push((performance.now() - started) / block);
    }
    return times;
  }
}
