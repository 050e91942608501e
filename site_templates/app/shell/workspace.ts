/** The owner of the shell's state: which language, which model, and whether a vault is open. */

import type { BundleManifest, SiteManifest } from "../shared/manifest";
import { chooseLanguage, createTranslate, translateText, type Translate } from "../shared/text";
import type { Policy } from "../shared/trusted-types";
import type { Companion } from "./companion";
import { createDownloadPanel, createFailurePanel } from "./download-panel";
import { create, createButton } from "./element";
import { LoadError } from "./fetching";
import { createLanguageSwitch } from "./language-switch";
import { countBytes, createLoadMessage, fetchModel, type ModelFiles } from "./model-files";
import { createModelPanel } from "./model-panel";
import { createKeptNotes } from "./kept-notes";
import { createPicker } from "./picker";
import { ask } from "./question";
import { reloadPage, takeIntent } from "./reloading";
import { createSilenceLine, RequestCounter } from "./silence-line";
import { openVault } from "./vault-frame";

/** The places of pages/predict.html.jinja that the shell fills. */
export interface Places {
  readonly bar: HTMLElement;
  readonly notice: HTMLElement;
  readonly stage: HTMLElement;
  readonly announcement: HTMLElement;
}

/** Runs the shell's three scenes: choosing, downloading, working. */
export class Workspace {
  #language: string;
  #selected: BundleManifest | null;
  #files: ModelFiles | null = null;
  #loading: AbortController | null = null;
  readonly #counter = new RequestCounter();
  /** The model that a person asked for while the page was still getting ready. */
  #wanted: BundleManifest | null = null;

  constructor(
    private readonly site: SiteManifest,
    private readonly places: Places,
    private readonly policy: Policy,
    private readonly vaultHtml: string,
    private readonly companion: Companion,
  ) {
    const translated = site.languages.filter((language) => language === "en" || language === "de");
    this.#language = chooseLanguage(navigator.languages, translated);
    this.#selected = this.#findByFragment();
  }

  /** Show the first scene, take up what a reload interrupted, and listen to the address and to leaving. */
  start(): void {
    addEventListener("hashchange", () => this.#followFragment());
    addEventListener("pagehide", () => this.places.stage.replaceChildren());
    addEventListener("pageshow", (event) => event.persisted && this.#returnToChoice());
    const intent = takeIntent();
    if (intent.language && this.site.languages.includes(intent.language)) this.#language = intent.language;
    this.#showChoice();
    void this.companion.advice.then((advice) => advice === "reload" && this.#reload(this.#wanted?.id));
    if (intent.focusesHeading) this.places.stage.querySelector("h1")?.focus();
    if (intent.loads && intent.loads === this.#selected?.id) this.places.stage.querySelector<HTMLElement>("#load")?.click();
  }

  #reload(loads?: string): void {
    reloadPage({ language: this.#language, ...(loads === undefined ? { focusesHeading: this.#files !== null } : { loads }) });
  }

  /** Once a model was loaded, the page is locked: only a new one can load another model. */
  #returnToChoice(): void {
    if (this.companion.isLocked) this.#reload();
    else this.#showChoice();
  }

  get #t(): Translate {
    return createTranslate(this.#language);
  }

  #findByFragment(): BundleManifest | null {
    const id = location.hash.slice(1);
    return this.site.models.find((model) => model.id === id) ?? null;
  }

  /** While a vault is open, the address follows it: only the button, which asks, leads to another model. */
  #followFragment(): void {
    if (this.#files) return history.replaceState(null, "", `#${this.#files.model.id}`);
    const model = this.#findByFragment();
    if (!model || model === this.#selected) return;
    this.#selected = model;
    this.#showChoice();
  }

  #showChoice(): void {
    this.#loading?.abort();
    this.#files = null;
    this.#showChrome();
    const t = this.#t;
    const panel = create("div", { class: "panel-place" });
    const select = (model: BundleManifest): void => {
      this.#selected = model;
      history.replaceState(null, "", `#${model.id}`);
      panel.replaceChildren(this.#createPanel(model, panel));
    };
    const picker = createPicker({
      models: this.site.models,
      language: this.#language,
      t,
      selected: this.#selected?.id ?? null,
      onSelect: select,
    });
    const hint = create("p", { class: "quiet panel" }, t("app.model.pick"));
    panel.replaceChildren(this.#selected ? this.#createPanel(this.#selected, panel) : hint);
    const step = create("span", { class: "step", "aria-hidden": "true" }, "1");
    this.places.stage.className = "choice";
    this.places.stage.replaceChildren(
      create("h1", { tabindex: "-1" }, step, " ", t("app.step1.heading")),
      create("p", { class: "promise" }, t("app.step1.promise")),
      create("div", { class: "columns" }, picker, panel),
      createKeptNotes(this.companion, this.#language, t),
    );
  }

  #createPanel(model: BundleManifest, place: HTMLElement): HTMLElement {
    this.#loading?.abort();
    return createModelPanel({
      model,
      sizeBytes: countBytes(this.site, model),
      language: this.#language,
      t: this.#t,
      onLoad: () => void this.#load(model, place),
    });
  }

  /** Download the model into the panel's place, then open the vault. */
  async #load(model: BundleManifest, place: HTMLElement): Promise<void> {
    const loading = new AbortController();
    this.#loading = loading;
    this.#wanted = model;
    const back = (): void => {
      this.#wanted = null;
      place.replaceChildren(this.#createPanel(model, place));
      place.querySelector<HTMLElement>("#load")?.focus();
    };
    const panel = createDownloadPanel(countBytes(this.site, model), this.#language, this.#t, back);
    place.querySelector("#load")?.replaceWith(panel.element);
    panel.element.querySelector("button")?.focus();
    if (this.companion.isLocked) return this.#reload(model.id);
    if ((await this.companion.advice) === "reload" || loading.signal.aborted) return; // the page is being loaded again
    try {
      const files = await fetchModel(this.site, model, panel.set, loading.signal);
      if (loading.signal.aborted) return; // cancelled while the last piece was being checked
      await this.companion.lock();
      this.#files = files;
      this.#counter.start();
      await this.#openVault();
    } catch (thrown) {
      if (loading.signal.aborted) return;
      if (!(thrown instanceof LoadError)) throw thrown;
      const error = (await this.companion.isOutdated()) ? new LoadError("E-VERSION", {}) : thrown;
      if (loading.signal.aborted) return;
      const failure = createFailurePanel(error, this.#t, () => this.#retry(error, model, place));
      panel.element.replaceWith(failure);
      failure.querySelector("button")?.focus();
    }
  }

  #retry(error: LoadError, model: BundleManifest, place: HTMLElement): void {
    if (error.code === "E-VERSION") return this.#reload();
    place.replaceChildren(this.#createPanel(model, place));
    void this.#load(model, place);
  }

  /** Replace whatever is on the stage by a new vault with the files at hand; makes no request. */
  async #openVault(): Promise<void> {
    if (!this.#files) return;
    this.#showChrome();
    this.places.stage.className = "working";
    const load = createLoadMessage(this.site, this.#files, this.#language);
    await openVault(this.places.stage, this.policy, this.vaultHtml, this.#t("app.vault.title"), load, () => this.#closeUnused());
  }

  /** The vault has ended its document: nobody used it. The frame goes, and a new one is only made for somebody. */
  #closeUnused(): void {
    const t = this.#t;
    const open = createButton(t("app.idle.open"), () => void this.#openVault(), { class: "primary" });
    const text = t("app.idle.cleared", { minutes: this.site.idle_minutes });
    this.places.stage.className = "choice";
    this.places.stage.replaceChildren(create("p", { class: "promise", role: "status" }, text), open);
  }

  async #clear(): Promise<void> {
    this.places.stage.replaceChildren();
    await this.#openVault();
    this.places.announcement.textContent = this.#t("app.clear.done");
  }

  #switchLanguage(language: string): void {
    this.#language = language;
    if (this.#files) void this.#clear();
    else {
      this.#showChoice();
      this.places.bar.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
    }
  }

  /** What can be done with an open vault. Changing the model asks, in place of the buttons, because it closes the vault. */
  #createActions(): HTMLElement {
    const t = this.#t;
    const place = create("div", { class: "actions" });
    const onYes = (): void => {
      this.places.stage.replaceChildren();
      this.#returnToChoice();
      this.places.stage.querySelector("h1")?.focus();
    };
    const texts = { question: t("app.change.question"), yes: t("app.change.yes"), no: t("app.keep") };
    const change = createButton(t("app.model.change"), () => ask(place, change, { ...texts, onYes }));
    const clear = createButton(t("app.clear"), () => void this.#clear(), { class: "danger", id: "clear" });
    place.append(change, clear);
    return place;
  }

  /** The privacy page in the language of the workspace; the site's first language is at the root. */
  #locatePrivacy(): string {
    return this.#language === this.site.languages[0] ? "../privacy/" : `../${this.#language}/privacy/`;
  }

  /** The line above the stage: where one is, and what can be done from here. */
  #showChrome(): void {
    const t = this.#t;
    const language = this.#language;
    document.documentElement.lang = language;
    const silence = this.#files ? [createSilenceLine(this.#counter, this.#locatePrivacy(), t)] : [];
    this.places.notice.replaceChildren(create("span", {}, t("app.notice")), ...silence);
    this.places.announcement.textContent = "";
    const home = create("a", { class: "home", href: "../" }, translateText(this.site.title, language));
    const model = this.#files?.model;
    const actions = model
      ? [
          create("h1", { class: "current" }, `${translateText(model.name, language)} · v${model.version}`),
          this.#createActions(),
        ]
      : [];
    const languages = createLanguageSwitch({
      languages: this.site.languages.filter((code) => code === "en" || code === "de"),
      language,
      t,
      needsConsent: model !== undefined,
      onChange: (code) => this.#switchLanguage(code),
    });
    this.places.bar.replaceChildren(home, ...actions, languages);
  }
}
