/** The line that counts what this page asked for since its model was loaded: it should say 0 for ever. */

import type { Translate } from "../shared/text";
import { create } from "./element";

/** Counts the requests of this page that begin after `start`. */
export class RequestCounter {
  #since = Number.POSITIVE_INFINITY;
  #count = 0;
  #onChange: (count: number) => void = () => undefined;

  constructor() {
    // Begun requests are told when they end, refused ones as well. The vault's document has a list of its own, and no network.
    const observer = new PerformanceObserver((list) => {
      const fresh = list.getEntries().filter(({ startTime }) => startTime >= this.#since).length;
      this.#count += fresh;
      if (fresh > 0) this.#onChange(this.#count);
    });
    observer.observe({ type: "resource" });
  }

  /** Count from now on. */
  start(): void {
    this.#since = performance.now();
    this.#count = 0;
  }

  /** Call `onChange` now and at every further request; it replaces an earlier one. */
  watch(onChange: (count: number) => void): void {
    this.#onChange = onChange;
    onChange(this.#count);
  }
}

/** Create the line; its link opens the privacy page beside the workspace, which would lose its images otherwise. */
export function createSilenceLine(counter: RequestCounter, address: string, t: Translate): HTMLElement {
  const text = create("span", { id: "silence" });
  counter.watch((count) => {
    text.textContent = t(count === 1 ? "app.silence.one" : "app.silence.many", { count });
    text.className = count === 0 ? "" : "broken";
  });
  const link = create("a", { href: address, target: "_blank", rel: "noopener" }, t("app.silence.link"));
  return create("span", { class: "silence" }, text, " · ", link);
}
