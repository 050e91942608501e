/** What this browser keeps of the site, and the button that forgets it. Empty while there is nothing to say. */

import { countModels, forgetModels, type KeptModels } from "../shared/model-cache";
import { formatMegabytes, type Translate } from "../shared/text";
import { SCOPE, type Companion } from "./companion";
import { create, createButton } from "./element";

/** Create the notes; they fill themselves when the browser has looked. */
export function createKeptNotes(companion: Companion, language: string, t: Translate): HTMLElement {
  const kept = create("div", { class: "kept" });
  const place = create("div", {}, kept);
  const forget = async (): Promise<void> => {
    await forgetModels(SCOPE);
    kept.replaceChildren(create("p", { class: "quiet", role: "status" }, t("app.kept.forgotten")));
  };
  const show = ({ files, bytes }: KeptModels): void => {
    if (files === 0) return;
    const size = formatMegabytes(bytes, language);
    const text = create("p", { class: "quiet" }, t("app.kept.models", { files, size }));
    kept.replaceChildren(text, createButton(t("app.kept.forget"), () => void forget(), { id: "forget" }));
  };
  void countModels(SCOPE).then(show);
  void companion.isBypassed.then((isBypassed) => {
    if (!isBypassed) return;
    const reload = createButton(t("app.load.reload"), () => location.reload());
    place.append(create("p", { class: "quiet" }, t("app.kept.bypassed"), " ", reload));
  });
  return place;
}
