/** One button a language; while a vault is open a switch first asks, because a new vault has to be made. */

import type { Translate } from "../shared/text";
import { create, createButton } from "./element";
import { ask } from "./question";

export interface LanguageSwitchOptions {
  readonly languages: readonly string[];
  readonly language: string;
  readonly t: Translate;
  readonly needsConsent: boolean;
  readonly onChange: (language: string) => void;
}

/** Create the switch; nothing for a site in one language. */
export function createLanguageSwitch({ languages, language, t, needsConsent, onChange }: LanguageSwitchOptions): HTMLElement {
  const group = create("div", { class: "languages", role: "group", "aria-label": t("app.language") });
  const choose = (code: string, pressed: HTMLElement): void => {
    if (code === language) return;
    const onYes = (): void => onChange(code);
    if (needsConsent) ask(group, pressed, { question: t("app.switch.question"), yes: t("app.switch.yes"), no: t("app.keep"), onYes });
    else onYes();
  };
  for (const code of languages) {
    const attributes = { lang: code, "aria-pressed": String(code === language) };
    const button = createButton(code.toUpperCase(), () => choose(code, button), attributes);
    group.append(button);
  }
  group.hidden = languages.length < 2;
  return group;
}
