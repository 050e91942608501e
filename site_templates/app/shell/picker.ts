/** Step 1: the models as a list of radio buttons, grouped by discipline, with a search field. */

import type { BundleManifest } from "../shared/manifest";
import { translateText, type Translate } from "../shared/text";
import { create } from "./element";

export interface PickerOptions {
  readonly models: readonly BundleManifest[];
  readonly language: string;
  readonly t: Translate;
  readonly selected: string | null;
  readonly onSelect: (model: BundleManifest) => void;
}

/** Create the list with its search field. */
export function createPicker({ models, language, t, selected, onSelect }: PickerOptions): HTMLElement {
  const search = create("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false" });
  const groups = groupByDiscipline(models).map(([discipline, members]) =>
    createGroup(discipline, members.map((model) => createOption(model, language, model.id === selected, onSelect))),
  );
  const nothing = create("p", { class: "quiet", hidden: true }, t(models.length > 0 ? "app.search.none" : "app.models.none"));
  const filter = (): void => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const visible = groups.map((group) => filterGroup(group, words));
    nothing.hidden = visible.some(Boolean);
  };
  search.addEventListener("input", filter);
  filter();
  const form = create(
    "form",
    { class: "picker", autocomplete: "off", role: "search" },
    create("label", { for: "search" }, t("app.search")),
    search,
    ...groups,
    nothing,
  );
  form.addEventListener("submit", (event) => event.preventDefault()); // the policy allows no form to be sent
  return form;
}

function groupByDiscipline(models: readonly BundleManifest[]): [string, BundleManifest[]][] {
  const groups = new Map<string, BundleManifest[]>();
  for (const model of models) groups.set(model.discipline, [...(groups.get(model.discipline) ?? []), model]);
  return [...groups];
}

function createGroup(discipline: string, options: readonly HTMLElement[]): HTMLFieldSetElement {
  return create("fieldset", {}, create("legend", {}, discipline), ...options);
}

function createOption(
  model: BundleManifest,
  language: string,
  isSelected: boolean,
  onSelect: (model: BundleManifest) => void,
): HTMLLabelElement {
  const radio = create("input", { type: "radio", name: "model", value: model.id, checked: isSelected, autocomplete: "off" });
  radio.addEventListener("change", () => onSelect(model));
  const tags = [...model.modality, `v${model.version}`].join(" · ");
  const option = create(
    "label",
    { class: "option" },
    radio,
    create("span", { class: "option-name" }, translateText(model.name, language)),
    create("span", { class: "quiet" }, tags),
  );
  option.dataset["search"] = [model.id, model.discipline, tags, ...Object.values(model.name), ...Object.values(model.summary)]
    .join(" ")
    .toLowerCase();
  return option;
}

/** Show the options that hold every word; returns whether any does. */
function filterGroup(group: HTMLFieldSetElement, words: readonly string[]): boolean {
  const options = Array.from(group.querySelectorAll<HTMLElement>(".option"));
  for (const option of options) option.hidden = !words.every((word) => option.dataset["search"]?.includes(word));
  group.hidden = options.every((option) => option.hidden);
  return !group.hidden;
}
