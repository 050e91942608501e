/**
 * Which workspaces are locked: they have loaded a model and ask for nothing any more.
 *
 * A worker may be ended and started again at any time, so its own memory does not count alone: a locked page holds a
 * Web Lock until it is gone, and the browser tells which client holds it.
 */

import { nameVaultLock } from "../shared/sw-messages";

declare const self: ServiceWorkerGlobalScope;

const told = new Set<string>();

export function lock(clientId: string): void {
  told.add(clientId);
}

export async function isLocked(clientId: string): Promise<boolean> {
  return clientId !== "" && (told.has(clientId) || (await listHolders()).includes(clientId));
}

/** Number of locked workspaces of this site that are still open. */
export async function countLocked(): Promise<number> {
  return (await listHolders()).length;
}

async function listHolders(): Promise<string[]> {
  if (!("locks" in self.navigator)) return []; // browsers older than the worker's memory needs
  const { held } = await self.navigator.locks.query();
  return (held ?? []).filter(({ name }) => name === nameVaultLock(self.registration.scope)).map(({ clientId }) => clientId ?? "");
}
