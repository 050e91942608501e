/**
 * Loading this page again, with what was meant to happen next.
 *
 * It waits in the tab's session storage until the next page takes it: Chromium forgets the state of a history entry that
 * was replaced just before a reload. It names a public model and a language, nothing else.
 */

const PLACE = "webipred intent";

export interface Intent {
  readonly language?: string;
  /** Id of the model to load at once, because somebody had already asked for it. */
  readonly loads?: string;
  /** A change of model puts the focus on the first heading. */
  readonly focusesHeading?: boolean;
}

export function reloadPage(intent: Intent): void {
  document.body.inert = true; // what is pressed from now on would be lost
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(intent));
  } catch {
    // without storage the page begins anew
  }
  location.reload();
}

/** What the page before this one meant to happen; asked once. */
export function takeIntent(): Intent {
  try {
    const intent = sessionStorage.getItem(PLACE);
    sessionStorage.removeItem(PLACE);
    return (JSON.parse(intent ?? "{}") as Intent | null) ?? {};
  } catch {
    return {};
  }
}
