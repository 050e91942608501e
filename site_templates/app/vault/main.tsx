/**
 * VAULT: patient data, no network. An opaque sandboxed frame whose only script is this one, pinned by hash.
 *
 * It accepts one message, from the shell, with a model that the shell has verified; nothing ever goes back.
 */

import { render } from "preact";
import { parseLoadMessage, type LoadMessage } from "../shared/messages";
import { createTranslate } from "../shared/text";
import { App } from "./app";
import { createBatch } from "./batch";
import { CSV_NAME, renderCsv } from "./csv";
import { saveText } from "./download";
import { createEngineHost } from "./engine-host";
import { removeNetworkInterfaces } from "./guard";
import { endDocument, watchIdle } from "./idle";
import { createWorkerStarter } from "./worker";

/** Drawing again at most this often keeps the page quick while a batch runs. */
const DRAW_MS = 100;

function main(): void {
  const startWorker = createWorkerStarter();
  removeNetworkInterfaces(self);
  addEventListener("message", function accept(event) {
    if (event.source !== parent) return;
    const load = parseLoadMessage(event.data);
    const root = document.getElementById("root");
    if (!load || !root) return;
    removeEventListener("message", accept);
    openModel(load, root, startWorker);
  });
}

function openModel(load: LoadMessage, root: HTMLElement, startWorker: (script: Blob) => Worker): void {
  const { language, model, build_id, generator } = load;
  document.documentElement.lang = language;
  const voice = { language, t: createTranslate(language) };
  let timer: ReturnType<typeof setTimeout> | null = null;
  const workers: Worker[] = [];
  const startEngine = (script: Blob): Worker => {
    const worker = startWorker(script);
    workers.push(worker);
    return worker;
  };
  const batch = createBatch(load, createEngineHost(load, startEngine), () => {
    timer ??= setTimeout(draw, DRAW_MS);
  });

  function draw(): void {
    timer = null;
    const props = { snapshot: batch.snapshot, batch, model, voice };
    render(<App {...props} onSave={(rows) => saveText(renderCsv(rows, { model, build_id, generator }), CSV_NAME)} />, root);
  }

  /** Images and results go first, whatever becomes of the frame. */
  function forget(): void {
    if (timer !== null) clearTimeout(timer);
    for (const worker of workers) worker.terminate();
    render(null, root);
    endDocument();
  }

  draw();
  document.getElementById("choose-heading")?.focus();
  batch.start();
  const isArmed = (): boolean => batch.snapshot.rows.length > 0 && !batch.snapshot.isRunning;
  watchIdle({ limitMs: load.idle_minutes * 60_000, t: voice.t, isArmed, onExpire: forget });
}

main();
