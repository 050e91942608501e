/** The vault's page: check line, step 2, step 3. */

import { useCallback, useState } from "preact/hooks";
import type { BundleManifest } from "../shared/manifest";
import type { Batch, Snapshot } from "./batch";
import { CheckLine } from "./check-line";
import { Chooser } from "./chooser";
import { Detail } from "./detail";
import type { Voice } from "./format";
import { Pager } from "./pager";
import { Progress } from "./progress";
import { findRowButton, ResultTable } from "./result-table";
import { countRows, sortRows, type Row, type SortKey, type Sorting } from "./rows";

/** A row on the screen holds about 0.2 MB, one on another page 0.05 MB: its thumbnail (measured in Chromium). */
const PAGE_ROWS = 50;

interface Props {
  readonly snapshot: Snapshot;
  readonly batch: Batch;
  readonly model: BundleManifest;
  readonly voice: Voice;
  readonly onSave: (rows: readonly Row[]) => void;
}

export function App({ snapshot, batch, model, voice, onSave }: Props) {
  const addFiles = useCallback(batch.add, [batch]);
  const hasRows = snapshot.rows.length > 0;
  return (
    <main class={hasRows ? "with-results" : ""}>
      <CheckLine proof={snapshot.proof} voice={voice} />
      <Chooser voice={voice} isCompact={hasRows} isDisabled={snapshot.proof.phase === "refused"} onFiles={addFiles} />
      {hasRows && <Results snapshot={snapshot} batch={batch} model={model} voice={voice} onSave={onSave} />}
    </main>
  );
}

function Results({ snapshot, batch, model, voice, onSave }: Props) {
  const { t } = voice;
  const [sorting, setSorting] = useState<Sorting>({ key: "order", descending: false });
  const [page, setPage] = useState(0);
  const [selected, setSelected] = useState<number | null>(null);
  const sorted = sortRows(snapshot.rows, sorting);
  const shownPage = Math.min(page, Math.ceil(sorted.length / PAGE_ROWS) - 1);
  const row = selected === null ? undefined : snapshot.rows[selected - 1];

  const select = useCallback((id: number) => setSelected(id), []);
  function sortBy(key: SortKey): void {
    const startsDescending = key === "top" || key.startsWith("class-");
    setSorting({ key, descending: key === sorting.key ? !sorting.descending : startsDescending });
    setPage(0);
  }
  function step(by: 1 | -1): void {
    const position = sorted.findIndex(({ id }) => id === selected) + by;
    const target = sorted[position];
    if (!target) return;
    setSelected(target.id);
    setPage(Math.floor(position / PAGE_ROWS));
  }

  /** The focus goes back to where the details were opened from. */
  function close(): void {
    setSelected(null);
    (findRowButton(selected) ?? document.getElementById("results-heading"))?.focus();
  }

  return (
    <section class="outcome" aria-labelledby="results-heading">
      <h2 id="results-heading" tabIndex={-1}><span class="step" aria-hidden="true">3</span> {t("app.results.heading")}</h2>
      <Progress
        counts={countRows(snapshot.rows)}
        model={model}
        voice={voice}
        isRunning={snapshot.isRunning}
        onCancel={batch.cancel}
        onResume={batch.resume}
        onSave={() => onSave(snapshot.rows)}
      />
      <div class="panes">
        <div class="table-pane">
          <ResultTable
            rows={sorted.slice(shownPage * PAGE_ROWS, (shownPage + 1) * PAGE_ROWS)}
            model={model}
            voice={voice}
            sorting={sorting}
            selected={selected}
            onSort={sortBy}
            onSelect={select}
          />
          <Pager page={shownPage} pages={Math.ceil(sorted.length / PAGE_ROWS)} voice={voice} onPage={setPage} />
        </div>
        {row && (
          <Detail
            row={row}
            model={model}
            voice={voice}
            onPreview={batch.preview}
            onStep={step}
            onClose={close}
          />
        )}
      </div>
    </section>
  );
}
