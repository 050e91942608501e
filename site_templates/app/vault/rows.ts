/** One row an image, and what the table shows of all rows: pure functions. */

import { decide, topIndex } from "../shared/decision";
import type { ErrorMessage } from "../shared/errors";
import type { BundleManifest } from "../shared/manifest";
import type { Thumbnail } from "../shared/messages";
import type { AttributedPrediction } from "./engine-host";

export interface Row {
  /** 1, 2, 3 … in the order of arrival. */
  readonly id: number;
  readonly name: string;
  /** A handle; its bytes are read when it is this image's turn, and again for the large view; an error if there are none. */
  readonly file: File | ErrorMessage;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  readonly error?: ErrorMessage;
  readonly result?: Result;
}

export interface Result {
  readonly probabilities: readonly number[];
  readonly top: number;
  /** Ids of the reported classes. */
  readonly decision: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly thumbnail: Thumbnail;
  /** What computed it, such as "compiled/plain". */
  readonly runtime: string;
}

/** Add the decision of the entry's rule to a prediction. */
export function createResult(prediction: AttributedPrediction, model: BundleManifest): Result {
  const { probabilities } = prediction;
  const decision = decide(probabilities, model.classes, model.task);
  return { ...prediction, decision, top: topIndex(probabilities) };
}

export interface Counts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly open: number;
  /** Class id → number of images it was reported for. */
  readonly decided: ReadonlyMap<string, number>;
}

export function countRows(rows: readonly Row[]): Counts {
  const decided = new Map<string, number>();
  const states = { waiting: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
  for (const { state, result } of rows) {
    states[state] += 1;
    for (const id of result?.decision ?? []) decided.set(id, (decided.get(id) ?? 0) + 1);
  }
  const { done, failed, cancelled, waiting, running } = states;
  return { total: rows.length, done, failed, cancelled, open: waiting + running, decided };
}

/** What the table is sorted by: arrival, name, decision, or the probability of a class ("top": the largest). */
export type SortKey = "order" | "name" | "decision" | "top" | `class-${number}`;

export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Sort a copy; rows without a value come last in either direction, ties keep the order of arrival. */
export function sortRows(rows: readonly Row[], { key, descending }: Sorting): Row[] {
  const keyed = rows.map((row) => ({ row, value: sortValue(row, key) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
    const order =
      typeof a.value === "number" && typeof b.value === "number"
        ? a.value - b.value
        : collator.compare(String(a.value), String(b.value));
    return (descending ? -order : order) || a.row.id - b.row.id;
  });
  return keyed.map(({ row }) => row);
}

function sortValue({ id, name, result }: Row, key: SortKey): string | number | null {
  switch (key) {
    case "order":
      return id;
    case "name":
      return name;
    case "decision":
      return result ? result.decision.join(" ") : null;
    case "top":
      return result ? (result.probabilities[result.top] ?? null) : null;
    default:
      return result?.probabilities[Number(key.slice("class-".length))] ?? null;
  }
}
