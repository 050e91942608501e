/** Loading this page again, with what was meant to happen next. It travels with the history entry: nothing is stored. */

export interface Intent {
  readonly language?: string;
  /** Id of the model to load at once, because somebody had already asked for it. */
  readonly loads?: string;
  /** A change of model puts the focus on the first heading. */
  readonly focusesHeading?: boolean;
}

export function reloadPage(intent: Intent): void {
  history.replaceState({ intent }, "");
  location.reload();
}

/** What the page before this one meant to happen; asked once. */
export function takeIntent(): Intent {
  const { intent } = (history.state as { intent?: Intent } | null) ?? {};
  history.replaceState(null, "");
  return intent ?? {};
}
