/** Numbers and names as people read them. */

import type { ErrorMessage } from "../shared/errors";
import type { BundleManifest, ClassRef } from "../shared/manifest";
import { isTextKey, translateText, type Translate } from "../shared/text";

/** What components need to speak: the language and the lookup of texts. */
export interface Voice {
  readonly language: string;
  readonly t: Translate;
}

/** Making a formatter takes longer than all cells of a page together, so each is made once. */
const percentFormats = new Map<string, Intl.NumberFormat>();

function getPercentFormat(language: string): Intl.NumberFormat {
  const known = percentFormats.get(language);
  if (known) return known;
  const options = { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 } as const;
  const format = new Intl.NumberFormat(language, options);
  percentFormats.set(language, format);
  return format;
}

/** Percent with one decimal; what is not certain never reads as 0 or 100. */
export function formatPercent(p: number, language: string): string {
  const format = getPercentFormat(language);
  if (p > 0.9995 && p < 1) return `> ${format.format(0.999)}`;
  if (p < 0.0005 && p > 0) return `< ${format.format(0.001)}`;
  return format.format(Math.min(1, Math.max(0, p)));
}

/** A number as it is, in the notation of the language. */
export function formatNumber(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(value);
}

export function nameClass(model: BundleManifest, id: string, language: string): string {
  const found = model.classes.find((candidate) => candidate.id === id);
  return found ? labelClass(found, language) : id;
}

export function labelClass(item: ClassRef, language: string): string {
  return translateText(item.label, language) || item.id;
}

/** The sentence of an error. */
export function explainError({ code, args }: ErrorMessage, { t }: Voice): string {
  const variant = `app.error.${code}.${args["variant"] ?? ""}`;
  const key = isTextKey(variant) ? variant : `app.error.${code}`;
  return isTextKey(key) ? t(key, args) : code;
}
