/** The results: facts in a list, a row of times for each number of threads, and the same as text. */

import type { Contents } from "./contents";
import type { Times } from "./measurement";

const FILE_NAME = "webipred-bench.txt";
const MINUTE_MS = 60_000;

export interface Results {
  hide(): void;
  show(model: string, bytes: number, load_ms: number, times: readonly Times[]): void;
}

/** Find the places of the results and make the buttons work. */
export function createResults(contents: Contents): Results {
  const section = find("results");
  const [facts, table, copied] = [find("facts"), find("times"), find("copied")];
  const write = createWriter(document.documentElement.lang);
  const text = (): string => `${[...readFacts(facts), ...readRows(table)].join("\n")}\n`;
  const copy = find("copy");
  copy.hidden = !isSecureContext; // elsewhere browsers have no clipboard for scripts
  copy.addEventListener("click", () => void navigator.clipboard.writeText(text()).then(() => (copied.hidden = false)));
  find("save").addEventListener("click", () => save(text()));
  return {
    hide() {
      section.hidden = true;
    },
    show(model, bytes, load_ms, times) {
      const isolated = section.dataset[crossOriginIsolated ? "yes" : "no"] ?? "";
      set(facts, {
        model,
        browser: navigator.userAgent,
        processors: String(navigator.hardwareConcurrency),
        isolated,
        variant: times.map(({ variant }) => variant.replace("_", ", ")).join("; "),
        download: `${write(bytes / 1e6, 1)} MB`,
        load: `${write(load_ms / 1e3, 2)} s`,
        build: contents.build_id,
      });
      table.replaceChildren(...times.map((row) => createRow(row, write)));
      copied.hidden = true;
      section.hidden = false;
    },
  };
}

function createRow({ threads, ready_ms, first_ms, median_ms, p90_ms, runs }: Times, write: Writer): HTMLTableRowElement {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = String(threads);
  const milliseconds = [ready_ms, first_ms, median_ms, p90_ms].map((value) => write(value, 1));
  const cells = [...milliseconds, write(MINUTE_MS / median_ms, 0), String(runs)].map((value) => {
    const cell = document.createElement("td");
    cell.className = "figure";
    cell.textContent = value;
    return cell;
  });
  row.append(head, ...cells);
  return row;
}

type Writer = (value: number, digits: number) => string;

function createWriter(language: string): Writer {
  return (value, digits) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

function set(facts: HTMLElement, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const place = facts.querySelector(`[data-fact="${name}"]`);
    if (place) place.textContent = value;
  }
}

function readFacts(facts: HTMLElement): string[] {
  return [...facts.querySelectorAll("dd")].map((place) => `${place.previousElementSibling?.textContent ?? ""}: ${place.textContent}`);
}

/** Each time with the head of its column, so that a line can be read alone. */
function readRows(table: HTMLElement): string[] {
  const heads = [...(table.closest("table")?.querySelectorAll("thead th") ?? [])].map((head) => head.textContent);
  return [...table.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell, column) => `${heads[column] ?? ""}: ${cell.textContent}`).join("; "),
  );
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = FILE_NAME;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading it
}

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks ${id}`);
  return element;
}
