/** The engines of a vault: one with threads where memory can be shared, otherwise several for a batch, each proved. */

import type { LoadMessage, Prediction, Thumbnail } from "../shared/messages";
import { countThreads } from "../shared/variant";
import { createEngineSlot, type EngineSlot, type Proof, type ProvedEngine, type RunnerName } from "./engine-slot";

export type { Phase, Proof, Runner, RunnerName, SelfTest } from "./engine-slot";

const IMAGE_LIMIT_MS = 120_000;
const THUMBNAIL_PX = 88;
const PREVIEW_PX = 512;
const MAX_LANES = 4;
/** All engines together should need no more; each holds the weights, their source, and what is computed from them. */
const MEMORY_BYTES = 1 << 30;
const ENGINE_BYTES = 64 << 20;

/** A prediction and what computed it, such as "compiled/plain". */
export interface AttributedPrediction extends Prediction {
  readonly runtime: RunnerName;
}

export interface EngineHost {
  /** Images that may be predicted at the same time, each on its own lane, 0 … lanes − 1. */
  readonly lanes: number;
  /** Start and self-test lane 0. `report` is told of every step, also later, when its engine died and is replaced. */
  start(report: (proof: Proof) => void): void;
  /** Start and self-test the engine of a lane; resolves to whether the lane can be used. */
  prepare(lane: number): Promise<boolean>;
  /** Predict one file's bytes, which are transferred. Rejects with AppError. */
  predict(image: ArrayBuffer, lane: number): Promise<AttributedPrediction>;
  preview(image: ArrayBuffer): Promise<Thumbnail>;
}

/** `startWorker` comes from worker.ts; `load` holds the verified files, which are kept for restarts. */
export function createEngineHost(load: LoadMessage, startWorker: (script: Blob) => Worker): EngineHost {
  const choice = { index: 0 };
  let report: (proof: Proof) => void = () => undefined;
  const slots: EngineSlot[] = [];
  for (let lane = 0; lane < MAX_LANES; lane++) {
    const isLeading = lane === 0;
    slots.push(createEngineSlot(load, startWorker, choice, { isLeading, report: (proof) => isLeading && report(proof) }));
  }

  async function getProved(lane: number): Promise<ProvedEngine> {
    const slot = slots[lane] ?? slots[0];
    if (!slot) throw new TypeError("there is no such lane");
    return slot.getProved();
  }

  return {
    get lanes() {
      return countLanes(load, choice.index);
    },
    start(listener) {
      report = listener;
      getProved(0).catch(() => undefined); // the report has said it
    },
    async prepare(lane) {
      return getProved(lane).then(
        () => true,
        () => false,
      );
    },
    async predict(image, lane) {
      const { client, runner } = await getProved(lane);
      const request = { image, thumbnail_px: THUMBNAIL_PX };
      const prediction = await client.ask("predict", request, { limitMs: IMAGE_LIMIT_MS, transfer: [image] });
      return { ...prediction, runtime: runner.name };
    },
    async preview(image) {
      const request = { image, size_px: PREVIEW_PX };
      return (await getProved(0)).client.ask("preview", request, { limitMs: IMAGE_LIMIT_MS, transfer: [image] });
    },
  };
}

/** Engines with one thread may work side by side, as many as this computer has cores and memory for. */
function countLanes({ builds, weights }: LoadMessage, index: number): number {
  const variant = builds[index]?.variant;
  if (variant !== "plain" && variant !== "relaxed") return 1; // these use the cores for one image
  const bearable = Math.floor(MEMORY_BYTES / (2 * weights.size + ENGINE_BYTES));
  return Math.max(1, Math.min(countThreads(), MAX_LANES, bearable));
}
