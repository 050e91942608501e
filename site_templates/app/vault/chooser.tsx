/** Step 2: choosing images by button, folder, drag and drop, or paste. */

import { useEffect, useRef, useState } from "preact/hooks";
import { readInput, readTransfer, type NamedFile } from "./files";
import type { Voice } from "./format";

interface Props {
  readonly voice: Voice;
  readonly isCompact: boolean;
  readonly isDisabled: boolean;
  readonly onFiles: (files: readonly NamedFile[]) => void;
}

export function Chooser({ voice: { t }, isCompact, isDisabled, onFiles }: Props) {
  const isOver = useDropAndPaste(isDisabled, onFiles);
  const className = ["chooser", isCompact && "compact", isOver && "over"].filter(Boolean).join(" ");
  return (
    <section class={className} aria-labelledby="choose-heading">
      <h2 id="choose-heading" tabIndex={-1}>
        <span class="step" aria-hidden="true">2</span> {t("app.choose.heading")}
      </h2>
      <p class="invitation">{t("app.choose.drop")}</p>
      <div class="buttons">
        <FileButton label={t("app.choose.images")} isPrimary isFolder={false} isDisabled={isDisabled} onFiles={onFiles} />
        <FileButton label={t("app.choose.folder")} isPrimary={false} isFolder isDisabled={isDisabled} onFiles={onFiles} />
      </div>
      <p class="hint">{t("app.choose.formats")}</p>
    </section>
  );
}

interface ButtonProps {
  readonly label: string;
  readonly isPrimary: boolean;
  readonly isFolder: boolean;
  readonly isDisabled: boolean;
  readonly onFiles: (files: readonly NamedFile[]) => void;
}

/** A button that opens the hidden input, so that browsers show no name of a chosen file. */
function FileButton({ label, isPrimary, isFolder, isDisabled, onFiles }: ButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.webkitdirectory = isFolder;
  }, [isFolder]);
  return (
    <>
      <button type="button" class={isPrimary ? "primary" : ""} disabled={isDisabled} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        autocomplete="off"
        tabIndex={-1}
        aria-label={label}
        onChange={(event) => onFiles(readInput(event.currentTarget))}
      />
    </>
  );
}

/** The whole vault takes drops and pastes; returns whether something is being dragged over it. */
function useDropAndPaste(isDisabled: boolean, onFiles: Props["onFiles"]): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const take = (transfer: DataTransfer | null): void => {
      if (transfer && !isDisabled) void readTransfer(transfer).then((files) => files.length > 0 && onFiles(files));
    };
    const listen = <K extends keyof DocumentEventMap>(type: K, handle: (event: DocumentEventMap[K]) => void): void =>
      document.addEventListener(type, handle, { signal: listening.signal });
    listen("dragover", (event) => {
      event.preventDefault(); // without it the browser would open the file in place of the page
      if (event.dataTransfer) event.dataTransfer.dropEffect = isDisabled ? "none" : "copy";
      setOver(!isDisabled);
    });
    listen("dragleave", (event) => {
      if (event.relatedTarget === null) setOver(false);
    });
    listen("drop", (event) => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer);
    });
    listen("paste", (event) => take(event.clipboardData));
    return () => listening.abort();
  }, [isDisabled, onFiles]);
  return isOver;
}
