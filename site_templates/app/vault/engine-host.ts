/** Keeps an engine that has proved itself: starts it, runs the self-test, and replaces it when it died. */

import { AppError, describeError, type ErrorMessage } from "../shared/errors";
import type { GoldenRef } from "../shared/manifest";
import type { LoadMessage, Prediction, Tasks, Thumbnail } from "../shared/messages";
import { createEngineClient, type EngineClient } from "./engine-client";

const START_LIMIT_MS = 180_000;
const IMAGE_LIMIT_MS = 120_000;
/** Engines also get warm by the self-test: at least this many runs. */
const MIN_RUNS = 3;
const THUMBNAIL_PX = 88;
const PREVIEW_PX = 512;

export type Phase = "checking" | "ready" | "refused";

export interface SelfTest {
  readonly passed: number;
  readonly done: number;
  readonly total: number;
}

/** Whether this computer has proved itself; without a self-test the engine has not started (yet). */
export interface Proof {
  readonly phase: Phase;
  readonly selfTest: SelfTest | null;
  /** Why it was refused, where that is something that a person can do something about: memory. */
  readonly refusal?: ErrorMessage;
}

export interface EngineHost {
  /** Start and self-test. `report` is told of every step, also later, when an engine that died is replaced. */
  start(report: (proof: Proof) => void): void;
  /** Predict one file's bytes, which are transferred. Rejects with AppError. */
  predict(image: ArrayBuffer): Promise<Prediction>;
  preview(image: ArrayBuffer): Promise<Thumbnail>;
}

/** `startWorker` comes from worker.ts; `load` holds the verified files, which are kept for restarts. */
export function createEngineHost(load: LoadMessage, startWorker: (script: Blob) => Worker): EngineHost {
  let proved: EngineClient | null = null;
  let proving: Promise<EngineClient> | null = null;
  let refusal: ErrorMessage | null = null;
  let report: (proof: Proof) => void = () => undefined;

  /** The engine that runs, or the one that replaces it: whoever asks meanwhile waits for the same proof. */
  async function getProved(): Promise<EngineClient> {
    if (proved?.isAlive) return proved;
    if (refusal) throw new AppError(refusal.code, refusal.args);
    proving ??= startProved().finally(() => (proving = null));
    return proving;
  }

  /** No engine is asked for an image before it has passed; one that fails is the last. */
  async function startProved(): Promise<EngineClient> {
    const { model, preprocess, runtime, weights } = load;
    let fresh: EngineClient | null = null;
    let selfTest: SelfTest | null = null;
    report({ phase: "checking", selfTest });
    try {
      fresh = createEngineClient(startWorker(load.script));
      await fresh.ask("start", { model, preprocess, runtime, weights }, { limitMs: START_LIMIT_MS });
      selfTest = await proveEngine(fresh, load, (step) => report({ phase: "checking", selfTest: step }));
      if (selfTest.passed < selfTest.total) throw new AppError("E-ENGINE-START");
    } catch (thrown) {
      fresh?.terminate();
      refusal = describeRefusal(thrown);
      report({ phase: "refused", selfTest, refusal });
      throw new AppError(refusal.code, refusal.args);
    }
    proved = fresh;
    report({ phase: "ready", selfTest });
    return fresh;
  }

  return {
    start(listener) {
      report = listener;
      getProved().catch(() => undefined); // the report has said it
    },
    async predict(image) {
      const request = { image, thumbnail_px: THUMBNAIL_PX };
      return (await getProved()).ask("predict", request, { limitMs: IMAGE_LIMIT_MS, transfer: [image] });
    },
    async preview(image) {
      const request = { image, size_px: PREVIEW_PX };
      return (await getProved()).ask("preview", request, { limitMs: IMAGE_LIMIT_MS, transfer: [image] });
    },
  };
}

/** Of all reasons only a lack of memory is told: the others are no affair of the person in front of the screen. */
function describeRefusal(thrown: unknown): ErrorMessage {
  const error = describeError(thrown, "E-ENGINE-START");
  return error.code === "E-MEMORY-MODEL" ? error : { code: "E-ENGINE-START", args: {} };
}

async function proveEngine(
  client: EngineClient,
  { model, goldens }: LoadMessage,
  report: (result: SelfTest) => void,
): Promise<SelfTest> {
  const total = Math.max(MIN_RUNS, goldens.length);
  let passed = 0;
  for (let done = 0; done < total; done++) {
    report({ passed, done, total });
    const golden = model.goldens[done % goldens.length];
    const image = goldens[done % goldens.length];
    if (golden && image && (await passes(client, golden, image))) passed += 1;
  }
  return { passed, done: total, total };
}

async function passes(client: EngineClient, golden: GoldenRef, image: Blob): Promise<boolean> {
  try {
    return agrees(golden, await client.ask("prove", { image }, { limitMs: START_LIMIT_MS }));
  } catch {
    return false; // an engine that cannot run a golden image has not proved itself
  }
}

/** The tensor must be the same to the bit, every probability within the golden vector's tolerance. */
export function agrees(golden: GoldenRef, answer: Tasks["prove"]["answer"]): boolean {
  const { probabilities } = answer;
  return (
    answer.tensor_sha256 === golden.tensor_sha256 &&
    probabilities.length === golden.probabilities.length &&
    golden.probabilities.every((p, i) => Math.abs(p - (probabilities[i] ?? Number.NaN)) <= golden.tolerance)
  );
}
