/** Numbers and names as people read them. */

import type { ErrorMessage } from "../shared/errors";
import type { BundleManifest, ClassRef } from "../shared/manifest";
import { isTextKey, translateText, type Translate } from "../shared/text";

/** What components need to speak: the language and the lookup of texts. */
export interface Voice {
  readonly language: string;
  readonly t: Translate;
}

/** Enough to tell any two 32-bit numbers apart near one half. */
const MAX_DIGITS = 8;

/** Making a formatter takes longer than all cells of a page together, so each is made once. */
const percentFormats = new Map<string, Intl.NumberFormat>();

function getPercentFormat(language: string, digits: number): Intl.NumberFormat {
  const key = `${language} ${digits}`;
  const known = percentFormats.get(key);
  if (known) return known;
  const options = { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
  const format = new Intl.NumberFormat(language, options);
  percentFormats.set(key, format);
  return format;
}

/**
 * Percent with one decimal; what is not certain never reads as 0 or 100, and what is not the threshold never reads as
 * the threshold: it gets as many decimals as tell them apart.
 */
export function formatPercent(p: number, threshold: number | null, language: string): string {
  const text = formatTenth(p, language);
  if (threshold === null || p === threshold || text !== formatTenth(threshold, language)) return text;
  for (let digits = 2; digits < MAX_DIGITS; digits++) {
    const format = getPercentFormat(language, digits);
    if (format.format(p) !== format.format(threshold)) return format.format(p);
  }
  return getPercentFormat(language, MAX_DIGITS).format(p);
}

function formatTenth(p: number, language: string): string {
  const format = getPercentFormat(language, 1);
  if (p > 0.9995 && p < 1) return `> ${format.format(0.999)}`;
  if (p < 0.0005 && p > 0) return `< ${format.format(0.001)}`;
  return format.format(p);
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
