/** How far the batch is, its counts, and what can be done with it. Announced as counts, never with names. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { BundleManifest } from "../shared/manifest";
import { nameClass, type Voice } from "./format";
import type { Counts } from "./rows";

const ANNOUNCE_MS = 3000;

interface Props {
  readonly counts: Counts;
  readonly model: BundleManifest;
  readonly voice: Voice;
  readonly isRunning: boolean;
  readonly onCancel: () => void;
  readonly onResume: () => void;
  readonly onSave: () => void;
}

export function Progress({ counts, model, voice, isRunning, onCancel, onResume, onSave }: Props) {
  const { t, language } = voice;
  const finished = counts.done + counts.failed;
  const hasToggle = counts.open > 0 || (counts.cancelled > 0 && !isRunning);
  const [toggle, save] = [useRef<HTMLButtonElement>(null), useRef<HTMLButtonElement>(null)];
  const isLeaving = !hasToggle && toggle.current !== null && toggle.current === document.activeElement;
  useLayoutEffect(() => {
    if (isLeaving) save.current?.focus(); // "Cancel" had the focus and has gone: nothing is left to cancel
  }, [isLeaving]);
  const line = t(counts.failed > 0 ? "app.progress.line-errors" : "app.progress.line", {
    done: finished,
    total: counts.total - counts.cancelled,
    failed: counts.failed,
  });
  return (
    <div class="progress">
      <div class="progress-text">
        <p class="counts">{line}{counts.cancelled > 0 && ` ${t("app.progress.cancelled", { n: counts.cancelled })}`}</p>
        <ul class="decided">
          {[...counts.decided].map(([id, n]) => <li key={id}>{nameClass(model, id, language)}: <b>{n}</b></li>)}
        </ul>
      </div>
      {counts.open > 0 && <progress max={counts.total - counts.cancelled} value={finished} aria-label={t("app.progress.label")} />}
      <div class="buttons">
        {hasToggle && (
          <button type="button" ref={toggle} onClick={counts.open > 0 ? onCancel : onResume}>
            {t(counts.open > 0 ? "app.progress.cancel" : "app.progress.resume")}
          </button>
        )}
        <button type="button" class="primary" ref={save} disabled={counts.open > 0 || finished === 0} onClick={onSave}>
          {t("app.progress.save")}
        </button>
      </div>
      <Announcement text={line} isFinal={counts.open === 0} />
    </div>
  );
}

/** Screen readers hear the counts every few seconds, and the last one at once. */
function Announcement({ text, isFinal }: { readonly text: string; readonly isFinal: boolean }) {
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    if (isFinal) {
      setSpoken(text);
      return undefined;
    }
    const timer = setTimeout(() => setSpoken(text), ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [isFinal, isFinal ? text : spoken]);
  return <p class="visually-hidden" role="status">{spoken}</p>;
}
