/**
 * Filter and search of the catalog page. The page is complete without it: every model stands in the HTML, and the
 * controls stay hidden until this script runs. Nothing is stored, nothing is fetched, no element is created.
 */

interface Filter {
  readonly text: string;
  readonly discipline: string;
  readonly modality: string;
  readonly task: string;
}

/** Lower case without accents, as `fold_text` of the builder writes data-text. */
function foldText(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function readFilter(form: HTMLFormElement): Filter {
  const data = new FormData(form);
  const read = (name: string): string => {
    const value = data.get(name);
    return typeof value === "string" ? value : "";
  };
  return {
    text: foldText(read("text")),
    discipline: read("discipline"),
    modality: read("modality"),
    task: read("task"),
  };
}

/** Whether a card fits: every word of the search is in its text, every chosen value is one of its own. */
function fits(card: HTMLElement, filter: Filter): boolean {
  const { text = "", discipline, modality = "", task } = card.dataset;
  const words = filter.text.split(/\s+/).filter((word) => word !== "");
  return (
    words.every((word) => text.includes(word)) &&
    (filter.discipline === "" || filter.discipline === discipline) &&
    (filter.modality === "" || modality.split("|").includes(filter.modality)) &&
    (filter.task === "" || filter.task === task)
  );
}

function describeCount(count: HTMLElement, shown: number, total: number): string {
  const { all = "", some = "", none = "" } = count.dataset;
  const sentence = shown === total ? all : shown === 0 ? none : some;
  return sentence.replace("{shown}", String(shown)).replace("{total}", String(total));
}

function startFilter(form: HTMLFormElement, reset: HTMLElement, count: HTMLElement, cards: readonly HTMLElement[]): void {
  const update = (): void => {
    const filter = readFilter(form);
    for (const card of cards) {
      card.hidden = !fits(card, filter);
    }
    const shown = cards.filter((card) => !card.hidden).length;
    count.textContent = describeCount(count, shown, cards.length);
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  reset.addEventListener("click", () => {
    form.reset();
    update();
  });
  form.hidden = false;
  update();
}

const form = document.getElementById("filter");
const reset = document.getElementById("show-all");
const count = document.getElementById("count");
const cards = [...document.querySelectorAll<HTMLElement>("#models > li")];
if (form instanceof HTMLFormElement && reset !== null && count !== null) {
  startFilter(form, reset, count, cards);
}
