/** Whether this computer has proved itself: running, passed or refused. */

import type { TextKey, Translate } from "../shared/text";
import type { Proof, Runner, RunnerName } from "./engine-host";
import type { Voice } from "./format";

interface Props {
  readonly proof: Proof;
  readonly voice: Voice;
}

export function CheckLine({ proof: { phase, selfTest, runner, refusal }, voice: { t } }: Props) {
  const counts = { passed: selfTest?.passed ?? 0, total: selfTest?.total ?? 0, done: selfTest?.done ?? 0 };
  switch (phase) {
    case "checking":
      return (
        <p class="check checking" role="status">
          <span class="spinner" aria-hidden="true" /> {t(selfTest ? "app.check.running" : "app.check.starting", counts)}
        </p>
      );
    case "ready":
      return (
        <p class="check passed" role="status">
          <span aria-hidden="true">✓</span> {t("app.check.passed", counts)}
          {runner && <span class="quiet"> · {describeRunner(runner, t)}</span>}
        </p>
      );
    case "refused":
      return (
        <div class="check refused" role="alert">
          <strong>{t("app.check.refused")}</strong>
          {refusal?.code === "E-MEMORY-MODEL" ? (
            <p>{t(`app.error.${refusal.code}`, refusal.args)}</p>
          ) : (
            <>
              <p>{t(selfTest ? "app.check.differs" : "app.check.unstarted", counts)}</p>
              <p>{t("app.check.advice")}</p>
            </>
          )}
        </div>
      );
  }
}

const RUNNER_TEXTS: Readonly<Record<RunnerName, TextKey>> = {
  "compiled/plain": "app.check.runner.plain",
  "compiled/relaxed-fused": "app.check.runner.relaxed-fused",
  "compiled/relaxed-unfused": "app.check.runner.relaxed-unfused",
  "onnxruntime-web": "app.check.runner.onnxruntime-web",
};

/** Which build runs and how it rounds: for those who compare computers. */
function describeRunner({ name, threads }: Runner, t: Translate): string {
  const build = t(RUNNER_TEXTS[name]);
  return threads > 1 ? `${build}, ${t("app.check.threads", { n: threads })}` : build;
}
