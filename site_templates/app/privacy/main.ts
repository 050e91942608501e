/**
 * The live part of the privacy page: what this browser does at this moment. The page is complete without it.
 *
 * Sentences come from the page (data-… of each row), where they are translated; nothing is stored, no element is made.
 */

import { askWorker, type WorkerStatus } from "../shared/sw-messages";
import { readDelivery, readListDigest, type Delivery } from "./reading";

const PERIOD_MS = 3000;

/** Fill the row `name`: the sentence `key` of its data, with {holes} replaced. A class tells good from bad. */
function show(name: string, key: string, values: Readonly<Record<string, string | number>> = {}, state = ""): void {
  const row = document.getElementById(`live-${name}`);
  if (!row) return;
  const sentence = row.dataset[key] ?? "";
  const text = sentence.replace(/\{(\w+)\}/g, (hole, hit: string) => String(values[hit] ?? hole));
  if (row.textContent !== text) row.textContent = text; // a reader's selection survives
  row.className = state;
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString(document.documentElement.lang);
}

function showRequests(status: WorkerStatus | null): void {
  if (!status) return show("requests", "unknown");
  if (!status.since_model_load) return show("requests", "none");
  const { served, fetched, refused } = status.workspace;
  const values = { passed: served + fetched, refused, time: formatTime(status.since), open: status.locked };
  if (values.passed > 0) show("requests", "leak", values, "bad");
  else show("requests", status.locked > 0 ? "open" : "closed", values, "good");
}

function showWorker(status: WorkerStatus | null, buildId: string): void {
  if (!status) show("worker", "none");
  else if (status.build_id === buildId) show("worker", "same", {}, "good");
  else show("worker", "other", { build: status.build_id }, "bad");
}

function showDelivery(delivery: Delivery | null): void {
  if (!delivery) return show("policy", "unknown");
  const isClosed = delivery.page.startsWith("default-src 'none'") && delivery.page.includes("frame-src 'none'");
  show("policy", delivery.header === null ? "page" : "both", {}, isClosed ? "good" : "bad");
  const place = document.getElementById("live-policy-text");
  if (place) place.textContent = delivery.header ?? delivery.page;
}

function showIsolation(): void {
  const cores = navigator.hardwareConcurrency;
  show("isolation", crossOriginIsolated ? "yes" : "no", {}, crossOriginIsolated ? "good" : "");
  show("threads", crossOriginIsolated && cores > 1 ? "many" : "one", { cores });
}

/** The worker that controls this page, or the one that is there although a forced reload went past it. */
async function findWorker(root: string): Promise<ServiceWorker | null> {
  try {
    if (navigator.serviceWorker.controller) return navigator.serviceWorker.controller;
    return (await navigator.serviceWorker.getRegistration(root))?.active ?? null;
  } catch {
    return null; // plain http, or blocked
  }
}

async function count(root: string, buildId: string): Promise<void> {
  const status = await askWorker(await findWorker(root), { type: "status" });
  showRequests(status);
  showWorker(status, buildId);
}

async function start(panel: HTMLElement): Promise<void> {
  const { root = "../", build = "" } = panel.dataset;
  showIsolation();
  panel.hidden = false;
  document.getElementById("live-absent")?.remove();
  await count(root, build);
  const digest = await readListDigest(root);
  show("digest", digest ? "known" : "unknown", { digest: digest ?? "" });
  showDelivery(await readDelivery(root));
  setInterval(() => {
    if (!document.hidden) void count(root, build);
  }, PERIOD_MS);
}

const panel = document.getElementById("live");
if (panel) void start(panel);
