/** The owner of the vault's state: the rows, the queue and the phase of the engine. */

import { AppError, describeError } from "../shared/errors";
import { MAX_FILE_BYTES } from "../shared/limits";
import type { LoadMessage, Thumbnail } from "../shared/messages";
import type { EngineHost, Proof } from "./engine-host";
import type { NamedFile } from "./files";
import { createResult, type Row } from "./rows";

export interface Snapshot {
  readonly proof: Proof;
  readonly rows: readonly Row[];
  readonly isRunning: boolean;
}

export interface Batch {
  readonly snapshot: Snapshot;
  /** Start the engine, prove it, then work off what has been queued. */
  start(): void;
  add(files: readonly NamedFile[]): void;
  /** Stop after the current image; what waits becomes "cancelled". */
  cancel(): void;
  /** Take the rows that were cancelled up again. */
  resume(): void;
  preview(row: Row): Promise<Thumbnail>;
}

/** `changed` is called after every change; it draws when it likes. */
export function createBatch(load: LoadMessage, host: EngineHost, changed: () => void): Batch {
  const rows: Row[] = [];
  let proof: Proof = { phase: "checking", selfTest: null };
  let isRunning = false;
  let next = 0;

  function update(index: number, change: Partial<Row>): void {
    const row = rows[index];
    if (row) rows[index] = { ...row, ...change };
    changed();
  }

  async function run(): Promise<void> {
    if (proof.phase === "refused") return failWaiting();
    if (isRunning || proof.phase !== "ready") return;
    isRunning = true;
    for (; next < rows.length; next++) {
      const row = rows[next];
      if (row?.state === "waiting") await predictRow(next, row);
    }
    isRunning = false;
    changed();
  }

  /** Without an engine nothing that waits would ever have its turn. */
  function failWaiting(): void {
    const error = proof.refusal ?? { code: "E-ENGINE-START", args: {} };
    rows.forEach((row, index) => {
      if (row.state === "waiting") rows[index] = { ...row, state: "failed", error };
    });
    changed();
  }

  async function predictRow(index: number, row: Row): Promise<void> {
    update(index, { state: "running" });
    try {
      const prediction = await host.predict(await readBytes(row.file));
      update(index, { state: "done", result: createResult(prediction, load.model) });
    } catch (thrown) {
      update(index, { state: "failed", error: describeError(thrown, "E-ENGINE-CRASH") });
    }
  }

  return {
    get snapshot() {
      return { proof, rows, isRunning };
    },
    start() {
      host.start((latest) => {
        proof = latest;
        changed();
        void run();
      });
    },
    add(files) {
      for (const { name, file } of files) rows.push({ id: rows.length + 1, name, file, state: "waiting" });
      changed();
      void run();
    },
    cancel() {
      rows.forEach((row, index) => {
        if (row.state === "waiting") rows[index] = { ...row, state: "cancelled" };
      });
      changed();
    },
    resume() {
      const first = rows.findIndex(({ state }) => state === "cancelled");
      rows.forEach((row, index) => {
        if (row.state === "cancelled") rows[index] = { ...row, state: "waiting" };
      });
      if (first >= 0) next = Math.min(next, isRunning ? first - 1 : first); // a running loop steps on first
      changed();
      void run();
    },
    async preview(row) {
      return host.preview(await readBytes(row.file));
    },
  };
}

async function readBytes(file: Row["file"]): Promise<ArrayBuffer> {
  if (!(file instanceof File)) throw new AppError(file.code, file.args);
  if (file.size > MAX_FILE_BYTES) throw new AppError("E-IMAGE-FILE-SIZE", { limit: MAX_FILE_BYTES >> 20 });
  try {
    return await file.arrayBuffer();
  } catch {
    throw new AppError("E-IMAGE-READ");
  }
}
