/** Asking, in the place of the buttons that led there, before images and results are destroyed. */

import { create, createButton } from "./element";

export interface QuestionOptions {
  readonly question: string;
  readonly yes: string;
  readonly no: string;
  readonly onYes: () => void;
}

/** Show the question in `place`; "no" brings back what was there, with the focus on the button that had been pressed. */
export function ask(place: HTMLElement, pressed: HTMLElement, { question, yes, no, onYes }: QuestionOptions): void {
  const former = Array.from(place.childNodes);
  const keep = createButton(no, () => {
    place.replaceChildren(...former);
    pressed.focus();
  });
  const confirm = createButton(yes, onYes, { class: "danger" });
  place.replaceChildren(create("span", { role: "alert" }, question), confirm, keep);
  confirm.focus();
}
