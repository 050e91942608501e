/**
 * Which workspaces are locked: they have loaded a model and ask for nothing any more.
 *
 * A worker may be ended and started again at any time, so the ids of locked pages are kept beside the counters. They are
 * random, and dropped when their pages are gone.
 */

import { nameVaultLock } from "../shared/sw-messages";
import { STATE } from "./storage";

declare const self: ServiceWorkerGlobalScope;

const PLACE = `${self.registration.scope}locked`;

const locked: Promise<Set<string>> = restore();

async function restore(): Promise<Set<string>> {
  try {
    const stored = await (await caches.open(STATE)).match(PLACE);
    return new Set(stored ? ((await stored.json()) as string[]) : []); // only this module writes there
  } catch {
    return new Set();
  }
}

/** Lock a page for the rest of its life. */
export async function lock(clientId: string): Promise<void> {
  const ids = await locked;
  ids.add(clientId);
  for (const id of ids) {
    if (id !== clientId && !(await self.clients.get(id))) ids.delete(id);
  }
  try {
    await (await caches.open(STATE)).put(PLACE, new Response(JSON.stringify([...ids])));
  } catch {
    return; // a full disk: the lock lives as long as the worker
  }
}

export async function isLocked(clientId: string): Promise<boolean> {
  return (await locked).has(clientId);
}

/** Number of locked workspaces that are still open: each holds a Web Lock, which the browser drops with the page. */
export async function countLocked(): Promise<number> {
  if (!("locks" in self.navigator)) return 0;
  const { held } = await self.navigator.locks.query();
  return (held ?? []).filter(({ name }) => name === nameVaultLock(self.registration.scope)).length;
}
