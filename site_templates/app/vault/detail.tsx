/** Everything about one image: larger view, all classes, thresholds, the decision and its rule. */

import { useEffect, useState } from "preact/hooks";
import type { BundleManifest } from "../shared/manifest";
import type { Thumbnail } from "../shared/messages";
import { explainError, formatNumber, labelClass, nameClass, type Voice } from "./format";
import { Picture } from "./picture";
import { ProbabilityBar } from "./probability-bar";
import type { Result, Row } from "./rows";

interface Props {
  readonly row: Row;
  readonly model: BundleManifest;
  readonly voice: Voice;
  readonly onPreview: (row: Row) => Promise<Thumbnail>;
  readonly onStep: (by: 1 | -1) => void;
  readonly onClose: () => void;
}

export function Detail({ row, model, voice, onPreview, onStep, onClose }: Props) {
  const { t } = voice;
  const preview = usePreview(row, onPreview);
  const picture = preview ?? row.result?.thumbnail;
  return (
    <aside class="detail" aria-labelledby="detail-heading">
      <div class="detail-head">
        <h3 id="detail-heading">{row.name}</h3>
        <div class="buttons">
          <button type="button" aria-label={t("app.detail.previous")} onClick={() => onStep(-1)}>‹</button>
          <button type="button" aria-label={t("app.detail.next")} onClick={() => onStep(1)}>›</button>
          <button type="button" aria-label={t("app.detail.close")} onClick={onClose}>×</button>
        </div>
      </div>
      {picture && <Picture key={row.id} picture={picture} label={t("app.detail.picture")} class="preview" />}
      {row.error && <p class="message">{explainError(row.error, voice)}</p>}
      {row.result && <Figures result={row.result} model={model} voice={voice} />}
    </aside>
  );
}

/** The larger view is made when asked for and kept only as long as it is shown. */
function usePreview(row: Row, onPreview: Props["onPreview"]): Thumbnail | null {
  const [shown, setShown] = useState<{ readonly id: number; readonly picture: Thumbnail } | null>(null);
  const isDone = row.state === "done";
  useEffect(() => {
    if (!isDone) return undefined;
    let isWanted = true;
    onPreview(row).then(
      (picture) => isWanted && setShown({ id: row.id, picture }),
      () => undefined, // the thumbnail stays: the numbers do not depend on the larger view
    );
    return () => {
      isWanted = false;
    };
  }, [row.id, isDone]);
  return shown?.id === row.id ? shown.picture : null;
}

function Figures({ result, model, voice }: { readonly result: Result; readonly model: BundleManifest; readonly voice: Voice }) {
  const { t, language } = voice;
  const order = model.classes.map((_, index) => index);
  order.sort((a, b) => (result.probabilities[b] ?? 0) - (result.probabilities[a] ?? 0));
  return (
    <>
      <p class="verdict">
        <span class="quiet">{t("app.detail.result")}</span>
        <strong>{result.decision.map((id) => nameClass(model, id, language)).join(", ") || t("app.row.none")}</strong>
      </p>
      <ul class="classes">
        {order.map((index) => {
          const item = model.classes[index];
          return item && (
            <li key={item.id}>
              <span class="label">{labelClass(item, language)}</span>
              <ProbabilityBar
                p={result.probabilities[index] ?? 0}
                threshold={item.threshold}
                isReported={result.decision.includes(item.id)}
                language={language}
              />
              {item.threshold !== null && <span class="quiet">{t("app.detail.threshold", { value: formatNumber(item.threshold, language) })}</span>}
            </li>
          );
        })}
      </ul>
      <p class="quiet">{t(ruleKey(model))} {t("app.detail.size", { width: result.width, height: result.height })}</p>
    </>
  );
}

function ruleKey(model: BundleManifest): "app.rule.multi" | "app.rule.threshold" | "app.rule.top" {
  if (model.task === "multi-label") return "app.rule.multi";
  return model.classes.some(({ threshold }) => threshold !== null) ? "app.rule.threshold" : "app.rule.top";
}
