/** One button a language; while a vault is open a switch first asks, because a new vault has to be made. */

import type { Translate } from "../shared/text";
import { create, createButton } from "./element";

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
  const showButtons = (): void => {
    group.replaceChildren(
      ...languages.map((code) => {
        const choose = (): void => {
          if (code === language) return;
          if (needsConsent) showQuestion(code);
          else onChange(code);
        };
        const pressed = String(code === language);
        return createButton(code.toUpperCase(), choose, { lang: code, "aria-pressed": pressed });
      }),
    );
  };
  const showQuestion = (code: string): void => {
    const yes = createButton(t("app.switch.yes"), () => onChange(code), { class: "danger" });
    group.replaceChildren(create("span", { role: "alert" }, t("app.switch.question")), yes, createButton(t("app.switch.no"), showButtons));
    yes.focus();
  };
  showButtons();
  group.hidden = languages.length < 2;
  return group;
}
