/** The one place that starts a script: the engine, as a classic worker from verified bytes. */

import type { BenchReply, BenchRequest } from "../shared/bench-messages";
import { claimPolicies, createPolicy } from "../shared/trusted-types";

export interface BenchWorker {
  /** Ask and wait; a worker that dies answers as one that failed. */
  ask(request: BenchRequest, transfer?: Transferable[]): Promise<BenchReply>;
  terminate(): void;
}

/** Return a function that starts engines; call once, before anything else can claim the policies. */
export function createWorkerStarter(): (script: Blob) => BenchWorker {
  const policy = createPolicy(self, "bench", {
    createScriptURL(url) {
      if (url.startsWith("blob:")) return url;
      throw new TypeError("this page starts no script from an address");
    },
  });
  claimPolicies(self, ["default"]);
  return (script) => {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    return wrap(new Worker(policy.createScriptURL(url), { name: "engine" }));
  };
}

function wrap(worker: Worker): BenchWorker {
  return {
    ask: (request, transfer = []) =>
      new Promise((resolve) => {
        worker.onmessage = ({ data }: MessageEvent<BenchReply>) => resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          resolve({ type: "failed", code: "E-ENGINE-CRASH", detail: "" });
        };
        worker.postMessage(request, transfer);
      }),
    terminate: () => worker.terminate(),
  };
}
