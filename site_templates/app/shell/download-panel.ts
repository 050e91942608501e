/** Progress of a download, and the sentence of its failure. */

import { formatMegabytes, type Translate } from "../shared/text";
import { create, createButton } from "./element";
import type { LoadError } from "./fetching";

export interface DownloadPanel {
  readonly element: HTMLElement;
  /** Show how many bytes have come. */
  set(bytes: number): void;
}

/** Create the progress panel with its cancel button. */
export function createDownloadPanel(total: number, language: string, t: Translate, onCancel: () => void): DownloadPanel {
  const bar = create("progress", { max: String(total), value: "0", "aria-label": t("app.load.label") });
  const text = create("p", {});
  const set = (bytes: number): void => {
    bar.value = bytes;
    text.textContent =
      bytes < total
        ? t("app.load.running", { done: formatMegabytes(bytes, language), total: formatMegabytes(total, language) })
        : t("app.load.checking");
  };
  set(0);
  return { element: create("div", { class: "download" }, text, bar, createButton(t("app.load.cancel"), onCancel)), set };
}

/** Create the message of a failed download with a button that tries again. */
export function createFailurePanel(error: LoadError, t: Translate, onRetry: () => void): HTMLElement {
  return create(
    "div",
    { class: "failure", role: "alert" },
    create("strong", {}, t("app.load.failed")),
    create("p", {}, t(`app.load.${error.code}`, error.args)),
    createButton(t(error.code === "E-VERSION" ? "app.load.reload" : "app.load.retry"), onRetry, { class: "primary" }),
  );
}
