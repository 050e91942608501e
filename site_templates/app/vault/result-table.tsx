/** The sortable table of one page of rows. */

import { Component, type ComponentChildren } from "preact";
import type { BundleManifest } from "../shared/manifest";
import { explainError, labelClass, nameClass, type Voice } from "./format";
import { Picture } from "./picture";
import { ProbabilityBar } from "./probability-bar";
import type { Row, SortKey, Sorting } from "./rows";

/** Models with more classes show the most probable one only; the detail lists all. */
const MAX_CLASS_COLUMNS = 4;

interface TableProps {
  readonly rows: readonly Row[];
  readonly model: BundleManifest;
  readonly voice: Voice;
  readonly sorting: Sorting;
  readonly selected: number | null;
  readonly onSort: (key: SortKey) => void;
  readonly onSelect: (id: number) => void;
}

export function ResultTable({ rows, model, voice, sorting, selected, onSort, onSelect }: TableProps) {
  const { t, language } = voice;
  const columns = classColumns(model);
  const head = { sorting, onSort };
  return (
    <table class="results">
      <caption class="visually-hidden">{t("app.table.caption")}</caption>
      <thead>
        <tr>
          <HeadCell {...head} sortKey="order">{t("app.table.order")}</HeadCell>
          <HeadCell {...head} sortKey="name">{t("app.table.image")}</HeadCell>
          <HeadCell {...head} sortKey="decision">{t("app.table.result")}</HeadCell>
          {columns.map((index) => (
            <HeadCell {...head} sortKey={`class-${index}`} key={index}>
              {nameColumn(model, index, language)}
            </HeadCell>
          ))}
          {columns.length === 0 && <HeadCell {...head} sortKey="top">{t("app.table.probability")}</HeadCell>}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <TableRow key={row.id} row={row} model={model} voice={voice} isSelected={row.id === selected} onSelect={onSelect} />
        ))}
      </tbody>
    </table>
  );
}

/** The button of a row, if the page of the table shows it. */
export function findRowButton(id: number | null): HTMLElement | null {
  return document.getElementById(nameRowButton(id ?? 0));
}

function nameRowButton(id: number): string {
  return `row-${id}`;
}

function classColumns(model: BundleManifest): number[] {
  return model.classes.length <= MAX_CLASS_COLUMNS ? model.classes.map((_, index) => index) : [];
}

function nameColumn(model: BundleManifest, index: number, language: string): string {
  const found = model.classes[index];
  return found ? labelClass(found, language) : "";
}

interface HeadProps {
  readonly sortKey: SortKey;
  readonly sorting: Sorting;
  readonly onSort: (key: SortKey) => void;
  readonly children?: ComponentChildren;
}

function HeadCell({ sortKey, sorting, onSort, children }: HeadProps) {
  const isSorted = sorting.key === sortKey;
  const arrow = isSorted ? (sorting.descending ? "▾" : "▴") : "";
  return (
    <th scope="col" aria-sort={isSorted ? (sorting.descending ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => onSort(sortKey)}>
        {children} <span class="arrow" aria-hidden="true">{arrow}</span>
      </button>
    </th>
  );
}

interface RowProps {
  readonly row: Row;
  readonly model: BundleManifest;
  readonly voice: Voice;
  readonly isSelected: boolean;
  readonly onSelect: (id: number) => void;
}

/** Draws again only if its row changed: a batch updates one row at a time. */
class TableRow extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    const { row, isSelected, voice, onSelect } = this.props;
    return row !== next.row || isSelected !== next.isSelected || voice !== next.voice || onSelect !== next.onSelect;
  }

  override render({ row, model, voice, isSelected, onSelect }: RowProps) {
    return (
      <tr class={[row.state, isSelected && "selected"].filter(Boolean).join(" ")} onClick={() => onSelect(row.id)}>
        <td class="order">{row.id}</td>
        <th scope="row" class="image">
          {row.result ? <Picture picture={row.result.thumbnail} label="" class="thumbnail" /> : <span class="thumbnail empty" />}
          <button type="button" class="name" id={nameRowButton(row.id)} aria-pressed={isSelected} title={row.name}>{row.name}</button>
        </th>
        <Outcome row={row} model={model} voice={voice} />
      </tr>
    );
  }
}

function Outcome({ row: { state, error, result }, model, voice }: Pick<RowProps, "row" | "model" | "voice">) {
  const { t, language } = voice;
  const columns = classColumns(model);
  const span = Math.max(1, columns.length) + 1;
  if (error) return <td class="message" colSpan={span}>{explainError(error, voice)}</td>;
  if (!result) return <td class="message quiet" colSpan={span}>{t(state === "running" ? "app.row.running" : state === "cancelled" ? "app.row.cancelled" : "app.row.waiting")}</td>;
  const shown = columns.length > 0 ? columns : [result.top];
  return (
    <>
      <td class="decision">{result.decision.map((id) => nameClass(model, id, language)).join(", ") || t("app.row.none")}</td>
      {shown.map((index) => (
        <td class="value" key={index}>
          <ProbabilityBar
            p={result.probabilities[index] ?? 0}
            threshold={model.classes[index]?.threshold ?? null}
            isReported={result.decision.includes(model.classes[index]?.id ?? "")}
            language={language}
          />
        </td>
      ))}
    </>
  );
}
