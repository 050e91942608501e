/** The batch as CSV: RFC 4180, UTF-8 with a byte order mark (Excel reads it as such), safe against formulas. */

import type { BundleManifest } from "../shared/manifest";
import type { Row } from "./rows";

/** Always the same: browsers keep the names of saved files in their history. */
export const CSV_NAME = "webipred-results.csv";

export interface Provenance {
  readonly model: BundleManifest;
  readonly build_id: string;
  readonly generator: string;
}

/** As many decimals as `webipred-build predict` prints. */
const DECIMALS = 7;

/** One header line and one line an image, in the order of arrival. Class columns are named after the class ids. */
export function renderCsv(rows: readonly Row[], provenance: Provenance): string {
  const lines = [renderHeader(provenance.model), ...rows.map((row) => renderRow(row, provenance))];
  return `\ufeff${lines.map((cells) => cells.map(quote).join(",")).join("\r\n")}\r\n`;
}

const BEFORE = ["image", "status", "error_code", "predicted"] as const;
const AFTER = [
  "decision",
  "threshold",
  "width",
  "height",
  "model_id",
  "model_version",
  "weights_sha256",
  "preprocessing_sha256",
  "runtime",
  "generator",
  "build_id",
] as const;

function renderHeader({ classes }: BundleManifest): string[] {
  return [...BEFORE, ...classes.map(({ id }) => disarm(id)), ...AFTER];
}

function renderRow({ name, state, error, result }: Row, { model, build_id, generator }: Provenance): string[] {
  const thresholds = model.classes.filter(({ threshold }) => threshold !== null);
  const before = [name, state, error?.code ?? "", result ? (model.classes[result.top]?.id ?? "") : ""];
  const probabilities = model.classes.map((_, i) => result?.probabilities[i]?.toFixed(DECIMALS) ?? "");
  const after = [
    result?.decision.join("; ") ?? "",
    thresholds.map(({ id, threshold }) => `${id}>=${threshold}`).join("; "),
    String(result?.width ?? ""),
    String(result?.height ?? ""),
    model.id,
    model.version,
    model.weights.sha256,
    model.preprocessing.sha256,
    result?.runtime ?? model.runtime,
    generator,
    build_id,
  ];
  return [...before.map(disarm), ...probabilities, ...after.map(disarm)];
}

/**
 * Put an apostrophe before what a spreadsheet would run as a formula: it skips blanks, and in East Asian settings it
 * takes full-width signs for the signs themselves. Probabilities stay as they are: they are never negative.
 */
function disarm(text: string): string {
  return /^[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
}

/** Quote where RFC 4180 asks for it, and what else separates cells in some settings. */
function quote(text: string): string {
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
