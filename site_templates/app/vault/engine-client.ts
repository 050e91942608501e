/** Requests to one engine worker; each ends exactly once, also when the worker dies. */

import { AppError, type ErrorCode } from "../shared/errors";
import type { Reply, Request, TaskName, Tasks } from "../shared/messages";

/** After these an engine may be damaged: its memory, or the runtime's state. It is not asked again. */
const FATAL: readonly ErrorCode[] = ["E-ENGINE-CRASH", "E-MEMORY", "E-OUTPUT"];

export interface EngineClient {
  /** Ask and wait; rejects with AppError. A request that takes longer than `limitMs` kills the worker. */
  ask<N extends TaskName>(
    type: N,
    request: Tasks[N]["request"],
    options: { readonly limitMs: number; readonly transfer?: Transferable[] },
  ): Promise<Tasks[N]["answer"]>;
  /** Whether the worker can still be asked. */
  readonly isAlive: boolean;
  terminate(): void;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: AppError): void;
}

/** Wrap a worker that speaks the protocol of app/engine/main.ts. */
export function createEngineClient(worker: Worker): EngineClient {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let isAlive = true;

  function end(code: ErrorCode): void {
    isAlive = false;
    worker.terminate();
    for (const { reject } of pending.values()) reject(new AppError(code));
    pending.clear();
  }

  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    const request = pending.get(data.id);
    if (!request || data.type === "progress") return;
    pending.delete(data.id);
    if (data.type === "done") request.resolve(data.answer);
    else request.reject(new AppError(data.error.code, data.error.args));
    if (data.type === "failed" && FATAL.includes(data.error.code)) end("E-ENGINE-CRASH");
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    end("E-ENGINE-CRASH");
  });
  worker.addEventListener("messageerror", () => end("E-ENGINE-CRASH"));

  return {
    get isAlive() {
      return isAlive;
    },
    ask<N extends TaskName>(
      type: N,
      request: Tasks[N]["request"],
      { limitMs, transfer = [] }: { readonly limitMs: number; readonly transfer?: Transferable[] },
    ) {
      return new Promise<Tasks[N]["answer"]>((resolve, reject) => {
        if (!isAlive) return reject(new AppError("E-ENGINE-CRASH"));
        const id = ++lastId;
        const timer = setTimeout(() => end("E-IMAGE-TIMEOUT"), limitMs);
        pending.set(id, {
          resolve: (answer) => (clearTimeout(timer), resolve(parseAnswer<N>(answer))),
          reject: (error) => (clearTimeout(timer), reject(error)),
        });
        const message = { id, type, ...request } as unknown as Request; // the generic form of the union
        worker.postMessage(message, transfer);
      });
    },
    terminate: () => end("E-ENGINE-CRASH"),
  };
}

/** Engine and vault are built together and pinned by the same manifest: the shape is known from the request. */
function parseAnswer<N extends TaskName>(answer: unknown): Tasks[N]["answer"] {
  return answer as Tasks[N]["answer"];
}
