/** Messages between pages and the service worker. They hold counts and names of public files, nothing of an image. */

/** Requests of pages, told apart by what became of them. */
export interface RequestCounts {
  /** Answered from the verified copy in the browser. */
  readonly served: number;
  /** Passed on to the web server. */
  readonly fetched: number;
  /** Refused here; no byte left the browser. */
  readonly refused: number;
}

export interface WorkerStatus {
  readonly build_id: string;
  /** When the counting began, in milliseconds since 1970: at the last model load, or when this build was installed. */
  readonly since: number;
  /** Whether `since` is a model load. */
  readonly since_model_load: boolean;
  /** Workspaces that are locked now: they have loaded a model, all their requests are refused. */
  readonly locked: number;
  /** Requests of locked workspaces. `served` and `fetched` are 0 unless the lock failed. */
  readonly workspace: RequestCounts;
  /** Requests of all other pages of the site. */
  readonly others: RequestCounts;
  /** Model files that are kept in the browser. */
  readonly models: { readonly files: number; readonly bytes: number };
}

/** What a page may ask. `ready` locks the asking page for the rest of its life; every request is answered by a status. */
export type WorkerRequest =
  | { readonly type: "status" }
  | { readonly type: "ready" }
  | { readonly type: "claim"; readonly build_id: string }
  | { readonly type: "forget-models" };

/** Name of the Web Lock that a workspace of the site at `scope` holds while it is locked. */
export function nameVaultLock(scope: string): string {
  return `webipred vault ${scope}`;
}

const ANSWER_MS = 5000;

/** Ask the worker of this page; null without a worker, or when it does not answer. Never rejects. */
export async function askWorker(worker: ServiceWorker | null, request: WorkerRequest): Promise<WorkerStatus | null> {
  if (!worker) return null;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const finish = (status: WorkerStatus | null): void => {
      clearTimeout(timer);
      port1.close();
      resolve(status);
    };
    const timer = setTimeout(() => finish(null), ANSWER_MS);
    port1.onmessage = ({ data }: MessageEvent<unknown>) => finish(parseStatus(data));
    worker.postMessage(request, [port2]);
  });
}

function parseStatus(data: unknown): WorkerStatus | null {
  const status = data as Partial<WorkerStatus> | null;
  return typeof status?.build_id === "string" && status.workspace && status.others ? (status as WorkerStatus) : null;
}
