/** One place for an engine: starts it, has it prove itself, replaces it when it died, and moves on to the next build. */

import { AppError, describeError, type ErrorMessage } from "../shared/errors";
import type { GoldenRef } from "../shared/manifest";
import type { EngineBuild, LoadMessage, Tasks } from "../shared/messages";
import { countThreads } from "../shared/variant";
import { createEngineClient, type EngineClient } from "./engine-client";

const START_LIMIT_MS = 180_000;
/** Engines also get warm by the self-test: at least this many runs. */
const MIN_RUNS = 3;

export type Phase = "checking" | "ready" | "refused";

/** How an engine rounds: each product, or only its sum with what it is added to. Only the relaxed builds may do the latter. */
export type Rounding = "plain" | "fused";

export interface SelfTest {
  readonly passed: number;
  readonly done: number;
  readonly total: number;
}

/** What runs here: which build, and how it rounds. */
export type RunnerName = "compiled/plain" | "compiled/relaxed-fused" | "compiled/relaxed-unfused" | "onnxruntime-web";

export interface Runner {
  readonly name: RunnerName;
  readonly threads: number;
}

/** Whether this computer has proved itself; without a self-test the engine has not started (yet). */
export interface Proof {
  readonly phase: Phase;
  readonly selfTest: SelfTest | null;
  readonly runner: Runner | null;
  /** Why it was refused, where that is something that a person can do something about: memory. */
  readonly refusal?: ErrorMessage;
}

export interface ProvedEngine {
  readonly client: EngineClient;
  readonly runner: Runner;
}

/** The build that is in use, shared by all slots; the leading slot moves on when a build fails, the others give up. */
export interface Choice {
  index: number;
}

export interface EngineSlot {
  /** The engine that runs, or the one that replaces it: whoever asks meanwhile waits for the same proof. */
  getProved(): Promise<ProvedEngine>;
}

/** `report` is told of every step, also later, when an engine that died is replaced. */
export function createEngineSlot(
  load: LoadMessage,
  startWorker: (script: Blob) => Worker,
  choice: Choice,
  { isLeading, report }: { readonly isLeading: boolean; readonly report: (proof: Proof) => void },
): EngineSlot {
  let proved: ProvedEngine | null = null;
  let proving: Promise<ProvedEngine> | null = null;
  let refusal: ErrorMessage | null = null;

  /** No engine is asked for an image before it has passed; when the last build fails, none will. */
  async function startProved(): Promise<ProvedEngine> {
    let selfTest: SelfTest | null = null;
    let reason: unknown = null;
    report({ phase: "checking", selfTest, runner: null });
    for (let build = load.builds[choice.index]; build; build = load.builds[choice.index]) {
      try {
        const engine = await tryBuild(build, (step) => {
          selfTest = step;
          report({ phase: "checking", selfTest, runner: null });
        });
        report({ phase: "ready", selfTest, runner: engine.runner });
        return (proved = engine);
      } catch (thrown) {
        reason = thrown;
        if (!isLeading || choice.index === load.builds.length - 1) break;
        choice.index += 1;
      }
    }
    refusal = describeRefusal(reason);
    report({ phase: "refused", selfTest, runner: null, refusal });
    throw new AppError(refusal.code, refusal.args);
  }

  async function tryBuild(build: EngineBuild, step: (selfTest: SelfTest) => void): Promise<ProvedEngine> {
    const { model, preprocess, weights } = load;
    const client = createEngineClient(startWorker(load.script));
    try {
      const request = { model, preprocess, runtime: build.runtime, weights, threads: countThreads() };
      const { threads } = await client.ask("start", request, { limitMs: START_LIMIT_MS });
      const roundings = await proveEngine(client, load, build, step);
      return { client, runner: { name: nameRunner(build, roundings), threads } };
    } catch (thrown) {
      client.terminate();
      throw thrown;
    }
  }

  return {
    async getProved() {
      if (proved?.client.isAlive) return proved;
      if (refusal) throw new AppError(refusal.code, refusal.args);
      proving ??= startProved().finally(() => (proving = null));
      return proving;
    },
  };
}

/** Of all reasons only a lack of memory is told: the others are no affair of the person in front of the screen. */
function describeRefusal(thrown: unknown): ErrorMessage {
  const error = describeError(thrown, "E-ENGINE-START");
  return error.code === "E-MEMORY-MODEL" ? error : { code: "E-ENGINE-START", args: {} };
}

/** Run the golden images; returns the roundings that explain all answers. Throws AppError if one differs. */
async function proveEngine(
  client: EngineClient,
  { model, goldens }: LoadMessage,
  build: EngineBuild,
  report: (result: SelfTest) => void,
): Promise<readonly Rounding[]> {
  const total = Math.max(MIN_RUNS, goldens.length);
  let roundings: readonly Rounding[] = build.variant.startsWith("relaxed") ? ["fused", "plain"] : ["plain"];
  let passed = 0;
  for (let done = 0; done < total; done++) {
    report({ passed, done, total });
    const golden = model.goldens[done % goldens.length];
    const image = goldens[done % goldens.length];
    const answer = golden && image ? await prove(client, image) : null;
    const found = golden && answer && agrees(golden, answer) ? findRoundings(golden, answer, build, roundings) : [];
    if (found.length === 0) continue;
    roundings = found;
    passed += 1;
  }
  report({ passed, done: total, total });
  if (passed < total) throw new AppError("E-ENGINE-START");
  return roundings;
}

async function prove(client: EngineClient, image: Blob): Promise<Tasks["prove"]["answer"] | null> {
  try {
    return await client.ask("prove", { image }, { limitMs: START_LIMIT_MS });
  } catch {
    return null; // an engine that cannot run a golden image has not proved itself
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

/** Those of `roundings` that give the bits of this answer. onnxruntime-web promises no bits: there the tolerance is all. */
function findRoundings(
  { outputs }: GoldenRef,
  { output_sha256 }: Tasks["prove"]["answer"],
  { variant }: EngineBuild,
  roundings: readonly Rounding[],
): readonly Rounding[] {
  if (variant === "onnxruntime-web") return roundings;
  return roundings.filter((rounding) => outputs?.[rounding] === output_sha256);
}

function nameRunner({ variant }: EngineBuild, roundings: readonly Rounding[]): RunnerName {
  if (variant === "onnxruntime-web") return variant;
  if (!variant.startsWith("relaxed")) return "compiled/plain";
  return roundings.includes("fused") ? "compiled/relaxed-fused" : "compiled/relaxed-unfused";
}
