/**
 * Forgetting images and results that nobody looks at any more.
 *
 * Counted here, because keys and pointers of the vault are seen nowhere else. At the end the vault drops what it holds
 * and ends its document; the shell notices that, and removes the frame and with it process and memory.
 */

import type { Translate } from "../shared/text";

const WARN_MS = 60_000;
const TICK_MS = 1000;
const ACTIVITY = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "dragover", "drop", "paste", "change"] as const;

export interface IdleOptions {
  readonly limitMs: number;
  readonly t: Translate;
  /** Whether there is something to forget, and nobody waits for it to be finished. */
  readonly isArmed: () => boolean;
  readonly onExpire: () => void;
}

/** Watch from now on. In the last minute a line counts the seconds; any key or pointer begins anew. */
export function watchIdle({ limitMs, t, isArmed, onExpire }: IdleOptions): void {
  const line = document.createElement("p");
  line.setAttribute("role", "alert");
  line.hidden = true;
  const seconds = document.createElement("span"); // outside of the alert, which would be read out every second
  const box = document.createElement("div");
  box.className = "idle-box";
  box.append(line, seconds);
  document.body.append(box);

  let last = Date.now();
  const renew = (): void => {
    last = Date.now();
    show(null);
  };
  for (const type of ACTIVITY) document.addEventListener(type, renew, { capture: true, passive: true });
  const timer = setInterval(check, TICK_MS);
  document.addEventListener("visibilitychange", check); // timers sleep with the computer, the clock does not

  function check(): void {
    if (!isArmed()) return renew();
    const left = limitMs - (Date.now() - last);
    if (left <= 0) {
      clearInterval(timer);
      onExpire();
    } else show(left <= WARN_MS ? Math.ceil(left / 1000) : null);
  }

  function show(left: number | null): void {
    if (line.hidden !== (left === null)) {
      line.hidden = left === null;
      line.textContent = left === null ? "" : t("app.idle.warning");
    }
    seconds.textContent = left === null ? "" : t("app.idle.seconds", { n: left });
  }
}

/** End this document: every node and listener goes, and the frame's owner is told that a new one was loaded. */
export function endDocument(): void {
  document.open();
  document.close();
}
