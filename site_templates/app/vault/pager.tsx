/** Page buttons below the table; nothing while one page is enough. */

import type { Voice } from "./format";

interface Props {
  readonly page: number;
  readonly pages: number;
  readonly voice: Voice;
  readonly onPage: (page: number) => void;
}

export function Pager({ page, pages, voice: { t }, onPage }: Props) {
  if (pages < 2) return null;
  return (
    <nav class="pager" aria-label={t("app.pager.label")}>
      <button type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>{t("app.pager.back")}</button>
      <span>{t("app.pager.position", { page: page + 1, pages })}</span>
      <button type="button" disabled={page >= pages - 1} onClick={() => onPage(page + 1)}>{t("app.pager.forward")}</button>
    </nav>
  );
}
