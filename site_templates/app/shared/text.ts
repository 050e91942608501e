/** Texts of the page in the languages that are translated. */

import de from "../../locales/de.json";
import en from "../../locales/en.json";
import type { LocalText } from "./manifest";

export type TextKey = keyof typeof en;
export type Arguments = Readonly<Record<string, string | number>>;
export type Translate = (key: TextKey, args?: Arguments) => string;

const TABLES: Readonly<Record<string, Readonly<Record<TextKey, string>>>> = { en, de };

/** Return the lookup of one language; an unknown language reads English. `{name}` is replaced by an argument. */
export function createTranslate(language: string): Translate {
  const table = TABLES[language] ?? en;
  return (key, args = {}) => table[key].replace(/\{(\w+)\}/g, (hole, name: string) => String(args[name] ?? hole));
}

/** Whether `key` names a text. */
export function isTextKey(key: string): key is TextKey {
  return key in en;
}

/** The text in `language`, else in English, else in its first language. */
export function translateText(text: LocalText, language: string): string {
  return text[language] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

/** Choose the language: the first of the browser's that the site has, else the site's first. */
export function chooseLanguage(preferred: readonly string[], available: readonly string[]): string {
  const short = preferred.map((tag) => tag.slice(0, 2).toLowerCase());
  return short.find((language) => available.includes(language)) ?? available[0] ?? "en";
}

/** Megabytes (10⁶ bytes) with one decimal, in the notation of the language. */
export function formatMegabytes(bytes: number, language: string): string {
  return new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(bytes / 1e6);
}
