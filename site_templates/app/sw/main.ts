/**
 * SERVICE WORKER: serves exactly the files of one build, verified, with the headers that a plain host does not send.
 *
 * It is a second wall, not the first: it never sees what the vault does, nor sockets, name lookups or WebRTC. Those are
 * stopped by the policies. It stores public files only.
 */

import { countModels, forgetModels } from "../shared/model-cache";
import type { WorkerRequest, WorkerStatus } from "../shared/sw-messages";
import { answerFile, answerSentence, answerStream } from "./answers";
import { count, readCounts, restartCounts, type Outcome } from "./counters";
import { countLocked, isLocked, lock } from "./locking";
import { fetchVerified, installBuild, keep, keepVerified, readStored, removeEarlierBuilds, request } from "./storage";
import { findTarget, getFile, TABLE, type ServedFile } from "./table";

declare const self: ServiceWorkerGlobalScope;

const MISSING = "404.html";

interface Answer {
  readonly response: Response;
  readonly outcome: Outcome;
}

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});
self.addEventListener("activate", (event) => {
  event.waitUntil(activate());
});
self.addEventListener("message", (event) => {
  event.waitUntil(reply(event));
});
self.addEventListener("fetch", (event) => {
  event.respondWith(answer(event));
});

/** While a vault is open anywhere, the new build waits until all pages of the old one are closed. */
async function install(): Promise<void> {
  await installBuild();
  await keepMissing();
  if ((await countLocked()) === 0) await self.skipWaiting();
}

/** Not every host gives this page by its name; without it a sentence says the same. */
async function keepMissing(): Promise<void> {
  if (!(MISSING in TABLE.files)) return;
  try {
    await keep(MISSING, await fetchVerified(MISSING));
  } catch {
    return;
  }
}

async function activate(): Promise<void> {
  await removeEarlierBuilds();
  await restartCounts(false);
  await self.clients.claim();
}

async function answer(event: FetchEvent): Promise<Response> {
  const isNavigation = event.request.mode === "navigate";
  const locked = !isNavigation && (await isLocked(event.clientId));
  const { response, outcome } = locked || event.request.method !== "GET" ? refuse() : await find(event, isNavigation);
  const counted = count(locked ? "workspace" : "others", outcome);
  event.waitUntil(counted);
  return response;
}

async function find(event: FetchEvent, isNavigation: boolean): Promise<Answer> {
  const scope = self.registration.scope;
  const target = findTarget(event.request.url, scope);
  switch (target.kind) {
    case "file":
      return isNavigation ? navigate(target.path, target.file) : deliver(event, target.path, target.file);
    case "unlisted":
      return pass(target.path);
    case "folder":
      return isNavigation ? { response: Response.redirect(scope + target.path), outcome: "served" } : refuse();
    case "unknown":
      return isNavigation ? showMissing() : refuse();
  }
}

/** A file for a script or an image: the verified copy, or what the server sends, which the workspace verifies itself. */
async function deliver(event: FetchEvent, path: string, file: ServedFile): Promise<Answer> {
  const stored = await readStored(path);
  if (stored) return { response: answerFile(stored, file), outcome: "served" };
  try {
    const response = await request(path, "no-cache");
    if (response.ok) event.waitUntil(keepVerified(path, response.clone()));
    return { response: answerStream(response, file.headers), outcome: "fetched" };
  } catch {
    return { response: Response.error(), outcome: "fetched" };
  }
}

/** A page: verified before a byte of it is shown. */
async function navigate(path: string, file: ServedFile): Promise<Answer> {
  const stored = await readStored(path);
  if (stored) return { response: answerFile(stored, file), outcome: "served" };
  try {
    const bytes = await fetchVerified(path);
    await keep(path, bytes);
    return { response: answerFile(bytes, file), outcome: "fetched" };
  } catch {
    const response = answerSentence(
      503,
      "This page could not be fetched, or the server has another version of it. Check the network connection and load the page again.",
      "Diese Seite war nicht zu bekommen, oder der Server hat sie in einer anderen Fassung. Bitte die Netzwerkverbindung prüfen und die Seite neu laden.",
    );
    return { response, outcome: "fetched" };
  }
}

async function pass(path: string): Promise<Answer> {
  try {
    return { response: answerStream(await request(path, "no-cache"), "data"), outcome: "fetched" };
  } catch {
    return { response: Response.error(), outcome: "fetched" };
  }
}

/** No address but those of the build is asked for, so what a wrong one says never reaches a server. */
async function showMissing(): Promise<Answer> {
  const stored = MISSING in TABLE.files ? await readStored(MISSING) : null;
  const response = stored
    ? answerFile(stored, getFile(MISSING), 404)
    : answerSentence(404, "There is no such page on this site.", "Diese Seite gibt es hier nicht.");
  return { response, outcome: "refused" };
}

function refuse(): Answer {
  return { response: Response.error(), outcome: "refused" };
}

async function reply({ data, source, ports }: ExtendableMessageEvent): Promise<void> {
  if (!(source instanceof Client) || !source.url.startsWith(self.registration.scope)) return; // a neighbour
  const message = data as Partial<WorkerRequest> | null;
  switch (message?.type) {
    case "ready":
      await lock(source.id);
      await restartCounts(true);
      break;
    case "claim":
      if ((message as { build_id?: unknown }).build_id === TABLE.build_id) await self.clients.claim();
      break;
    case "forget-models":
      await forgetModels(self.registration.scope);
      break;
    case "status":
      break;
    default:
      return;
  }
  ports[0]?.postMessage(await describe());
}

async function describe(): Promise<WorkerStatus> {
  return {
    build_id: TABLE.build_id,
    ...(await readCounts()),
    locked: await countLocked(),
    models: await countModels(self.registration.scope),
  };
}
