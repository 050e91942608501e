/** What a person must know about the selected model before loading it, and the button that loads it. */

import type { BundleManifest } from "../shared/manifest";
import { formatMegabytes, translateText, type Translate } from "../shared/text";
import { create, createButton, type Child } from "./element";

export interface ModelPanelOptions {
  readonly model: BundleManifest;
  readonly sizeBytes: number;
  readonly language: string;
  readonly t: Translate;
  readonly onLoad: () => void;
}

/** Create the panel; the load button has the id `load`. */
export function createModelPanel({ model, sizeBytes, language, t, onLoad }: ModelPanelOptions): HTMLElement {
  const size = formatMegabytes(sizeBytes, language);
  return create(
    "section",
    { class: "panel", "aria-labelledby": "model-name" },
    create("h2", { id: "model-name" }, translateText(model.name, language)),
    create("p", {}, translateText(model.summary, language)),
    createTexts(t("app.model.intended"), [translateText(model.intended_use, language)], "use"),
    createTexts(t("app.model.cautions"), model.cautions.map((text) => translateText(text, language)), "cautions"),
    createFacts(model, language, t),
    create("div", { class: "buttons" }, createButton(t("app.model.load", { size }), onLoad, { class: "primary", id: "load" })),
    create("p", { class: "quiet" }, t("app.model.load-note")),
    create("p", {}, create("a", { href: `../models/${model.id}/` }, t("app.model.card"))),
  );
}

function createTexts(heading: string, texts: readonly string[], className: string): HTMLElement | null {
  if (texts.length === 0) return null;
  return create("div", { class: className }, create("h3", {}, heading), ...texts.map((text) => create("p", {}, text)));
}

function createFacts(model: BundleManifest, language: string, t: Translate): HTMLElement {
  const { width, height, channels } = model.input;
  const labels = model.classes.map((item) => translateText(item.label, language) || item.id);
  const shown = labels.length > 12 ? [...labels.slice(0, 12), `… (${labels.length})`] : labels;
  const facts: [string, Child][] = [
    [t("app.model.classes"), shown.join(", ")],
    [t("app.model.modality"), model.modality.join(", ")],
    [t("app.model.input"), t("app.model.input-value", { width, height, channels: t(`app.model.${channels}`) })],
    [t("app.model.version"), model.version],
  ];
  const rows = facts.flatMap(([name, value]) => [create("dt", {}, name), create("dd", {}, value)]);
  return create("dl", { class: "facts" }, ...rows);
}
