/**
 * The page that measures a workstation: this engine alone, on a model of the site and a made-up image. It has the
 * network and no patient data; the elements stand in pages/bench.html.jinja and stay hidden until this script runs.
 */

import { chooseVariant, countThreads } from "../shared/variant";
import { LoadError } from "../shell/fetching";
import { parseContents, type Contents, type MeasuredModel } from "./contents";
import { countBytes, fetchMeasured } from "./files";
import { measure, MeasurementError, type Setting, type Times } from "./measurement";
import { createResults, type Results } from "./results";
import { createWorkerStarter, type BenchWorker } from "./worker";

declare const __WEBIPRED_BENCH__: unknown;

interface Controls {
  readonly form: HTMLFormElement;
  readonly model: HTMLSelectElement;
  readonly start: HTMLButtonElement;
  readonly status: HTMLElement;
  readonly progress: HTMLProgressElement;
}

function main(): void {
  const contents = parseContents(__WEBIPRED_BENCH__);
  const startWorker = createWorkerStarter();
  const controls = findControls();
  const results = createResults(contents);
  controls.form.addEventListener("submit", (event) => {
    event.preventDefault();
    void run(contents, controls, results, startWorker);
  });
  controls.status.textContent = ""; // it said what is missing where no script runs
  controls.form.hidden = false;
}

async function run(
  contents: Contents,
  controls: Controls,
  results: Results,
  startWorker: (script: Blob) => BenchWorker,
): Promise<void> {
  const model = contents.models.find(({ id }) => id === controls.model.value);
  if (!model) return;
  controls.start.disabled = true;
  controls.model.disabled = true;
  controls.progress.hidden = false;
  results.hide();
  try {
    const started = performance.now();
    say(controls, "loading");
    controls.progress.removeAttribute("value");
    const settings = listSettings();
    const variants = settings.map(({ variant }) => variant);
    const files = await fetchMeasured(contents, model, variants, controls.form.dataset["root"] ?? "../");
    const load_ms = performance.now() - started;
    say(controls, "running");
    const times: Times[] = [];
    for (const [position, setting] of settings.entries()) {
      const advance = (share: number): void => void (controls.progress.value = (position + share) / settings.length);
      times.push(await measure(files, model, setting, startWorker, advance));
    }
    results.show(describe(controls.model, model), countBytes(contents, model, variants), load_ms, times);
    say(controls, "done");
  } catch (thrown) {
    if (!(thrown instanceof LoadError || thrown instanceof MeasurementError)) throw thrown;
    say(controls, "failed", thrown.code);
  } finally {
    controls.progress.hidden = true;
    controls.start.disabled = false;
    controls.model.disabled = false;
  }
}

/** One thread, and what the workspace would choose where that is several; both of the same kind. */
function listSettings(): Setting[] {
  const best = chooseVariant();
  switch (best) {
    case "plain_threads":
      return [{ variant: "plain", threads: 1 }, { variant: best, threads: countThreads() }];
    case "relaxed_threads":
      return [{ variant: "relaxed", threads: 1 }, { variant: best, threads: countThreads() }];
    case "plain":
    case "relaxed":
      return [{ variant: best, threads: 1 }];
  }
}

function describe(select: HTMLSelectElement, model: MeasuredModel): string {
  return `${select.selectedOptions[0]?.textContent ?? ""} (${model.id}, ${model.shape.slice(1).join(" × ")})`;
}

function say({ status }: Controls, state: "loading" | "running" | "done" | "failed", code = ""): void {
  status.textContent = (status.dataset[state] ?? "").replace("{code}", code);
}

function findControls(): Controls {
  const [form, model, start, status, progress] = ["bench", "model", "start", "status", "progress"].map((id) => document.getElementById(id));
  if (
    !(form instanceof HTMLFormElement) ||
    !(model instanceof HTMLSelectElement) ||
    !(start instanceof HTMLButtonElement) ||
    !(progress instanceof HTMLProgressElement) ||
    !status
  ) {
    throw new Error("the page lacks a control");
  }
  return { form, model, start, status, progress };
}

main();
