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
  let proof: Proof = { phase: "checking", selfTest: null, runner: null };
  /** Lanes that work, and the first row that may be waiting. */
  const working = new Set<number>();
  let next = 0;

  function update(index: number, change: Partial<Row>): void {
    const row = rows[index];
    if (row) rows[index] = { ...row, ...change };
    changed();
  }

  /** One lane takes one row after the other; more lanes are opened while more rows wait than lanes work. */
  function run(): void {
    if (proof.phase === "refused") return failWaiting();
    if (proof.phase !== "ready") return;
    const waiting = rows.filter(({ state }) => state === "waiting").length;
    const wanted = Math.min(host.lanes, waiting);
    for (let lane = 0; lane < host.lanes && working.size < wanted; lane++) if (!working.has(lane)) void work(lane);
  }

  async function work(lane: number): Promise<void> {
    working.add(lane);
    while (lane === 0 || (await host.prepare(lane))) {
      const index = findWaiting();
      if (index === null) {
        working.delete(lane);
        break;
      }
      await predictRow(index, lane);
    } // a lane whose engine does not pass stays closed: the others do its work
    changed();
  }

  function findWaiting(): number | null {
    while (next < rows.length && rows[next]?.state !== "waiting") next++;
    return next < rows.length ? next : null;
  }

  /** Without an engine nothing that waits would ever have its turn. */
  function failWaiting(): void {
    const error = proof.refusal ?? { code: "E-ENGINE-START", args: {} };
    rows.forEach((row, index) => {
      if (row.state === "waiting") rows[index] = { ...row, state: "failed", error };
    });
    changed();
  }

  async function predictRow(index: number, lane: number): Promise<void> {
    const file = rows[index]?.file;
    update(index, { state: "running" });
    try {
      if (!file) throw new AppError("E-IMAGE-READ");
      const prediction = await host.predict(await readBytes(file), lane);
      update(index, { state: "done", result: createResult(prediction, load.model) });
    } catch (thrown) {
      update(index, { state: "failed", error: describeError(thrown, "E-ENGINE-CRASH") });
    }
  }

  return {
    get snapshot() {
      return { proof, rows, isRunning: rows.some(({ state }) => state === "running") };
    },
    start() {
      host.start((latest) => {
        proof = latest;
        changed();
        run();
      });
    },
    add(files) {
      for (const { name, file } of files) rows.push({ id: rows.length + 1, name, file, state: "waiting" });
      changed();
      run();
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
      if (first >= 0) next = Math.min(next, first);
      changed();
      run();
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
