/**
 * The service worker as the shell sees it: registered at boot, told when the model is there, asked what it is.
 *
 * The shell tells it something and never hears from it: it listens to no message. Everything works without one. Then there is no second wall, no offline copy, and on hosts that send no headers no
 * isolation, so one thread.
 */

import type { SiteManifest } from "../shared/manifest";
import { nameVaultLock, type WorkerRequest } from "../shared/sw-messages";
import type { Policy } from "../shared/trusted-types";
import { isWebKit } from "../shared/webkit";
import { WORKER_URL } from "./vault-frame";

/** Root of the site: scope of the worker. */
export const SCOPE = new URL("../", location.href).href;
/** So long may an active worker take to control a page that was loaded past it. */
const CLAIM_MS = 3000;
/** So long may installing take before the page goes on without it. */
const SETTLE_MS = 15_000;

export type Advice = "stay" | "reload";

export interface Companion {
  /** What the page needs before it loads a model. Settles in any case, never rejects. */
  readonly advice: Promise<Advice>;
  /** Whether this page was loaded past a worker that is there, as a forced reload does. */
  readonly isBypassed: Promise<boolean>;
  /** From now on every request of this page is refused; there is no way back but a new page. */
  lock(): Promise<void>;
  readonly isLocked: boolean;
  /** Whether the server has another build than this page. */
  isOutdated(): Promise<boolean>;
}

/** Register the worker, if the site has one and the browser permits. */
export function startCompanion(site: SiteManifest, policy: Policy): Companion {
  const container = site.service_worker === null ? undefined : findContainer();
  const registered = container ? register(container, policy) : Promise.resolve(null);
  const wasControlled = Boolean(container?.controller);
  const isBypassed = registered.then((registration) => Boolean(registration?.active) && !wasControlled);
  const advice = Promise.race([
    registered.then((registration) => settle(registration, container, site.build_id)),
    new Promise<Advice>((resolve) => setTimeout(() => resolve("stay"), SETTLE_MS)),
  ]);
  let isLocked = false;
  let held: Promise<void> | null = null;
  const lockPage = async (controller: ServiceWorker): Promise<void> => {
    isLocked = true;
    held ??= holdLock();
    await held;
    tell(controller, { type: "ready" });
  };
  return {
    advice,
    isBypassed,
    get isLocked() {
      return isLocked;
    },
    async lock() {
      if (!container) return;
      if (container.controller) await lockPage(container.controller);
      container.addEventListener("controllerchange", () => container.controller && void lockPage(container.controller));
    },
    async isOutdated() {
      const published = await readPublishedBuild();
      return published !== null && published !== site.build_id;
    },
  };
}

/** Blocked storage may make the mere look throw. */
function findContainer(): ServiceWorkerContainer | undefined {
  try {
    return "serviceWorker" in navigator ? navigator.serviceWorker : undefined;
  } catch {
    return undefined;
  }
}

async function register(container: ServiceWorkerContainer, policy: Policy): Promise<ServiceWorkerRegistration | null> {
  try {
    const address = policy.createScriptURL(WORKER_URL);
    return await container.register(address, { scope: SCOPE, updateViaCache: "none" });
  } catch {
    return null; // blocked, missing, or not the script that it should be
  }
}

/** Wait until the worker controls this page, then tell whether a reload would change the isolation for the better. */
async function settle(
  registration: ServiceWorkerRegistration | null,
  container: ServiceWorkerContainer | undefined,
  buildId: string,
): Promise<Advice> {
  if (!registration || !container) return "stay";
  const isBypassed = registration.active !== null && !container.controller;
  if (!container.controller) await waitForControl(registration, container, buildId);
  // WebKit starts no worker in an isolated vault: there the worker takes the isolation away.
  const hasWanted = isWebKit(navigator.userAgent) ? !crossOriginIsolated : crossOriginIsolated;
  if (hasWanted || isBypassed || !container.controller) return "stay";
  return markReload() ? "reload" : "stay";
}

function waitForControl(
  registration: ServiceWorkerRegistration,
  container: ServiceWorkerContainer,
  buildId: string,
): Promise<void> {
  return new Promise((resolve) => {
    container.addEventListener("controllerchange", () => resolve(), { once: true });
    const candidate = registration.installing ?? registration.waiting;
    candidate?.addEventListener("statechange", () => candidate.state === "redundant" && resolve());
    if (registration.active) {
      tell(registration.active, { type: "claim", build_id: buildId });
      setTimeout(resolve, CLAIM_MS); // it belongs to another build
    } else if (!candidate || container.controller) resolve();
  });
}

function tell(worker: ServiceWorker, message: WorkerRequest): void {
  worker.postMessage(message);
}

/** At most one reload a tab, or a browser that never isolates would reload for ever. */
function markReload(): boolean {
  try {
    const key = `webipred reloaded ${SCOPE}`;
    if (sessionStorage.getItem(key)) return false;
    sessionStorage.setItem(key, "1");
    return sessionStorage.getItem(key) === "1";
  } catch {
    return false;
  }
}

/** Held until this page is gone: a new build is not activated meanwhile. */
async function holdLock(): Promise<void> {
  if (!("locks" in navigator)) return;
  await new Promise<void>((granted) => {
    const forever = (): Promise<never> => {
      granted();
      return new Promise(() => undefined);
    };
    navigator.locks.request(nameVaultLock(SCOPE), { mode: "shared" }, forever).catch(() => granted());
  });
}

/** The build that the server has now, or null if that cannot be told. */
async function readPublishedBuild(): Promise<string | null> {
  try {
    const response = await fetch("../manifest.json", { credentials: "omit", redirect: "error", cache: "no-cache" });
    const listing = (await response.json()) as { build_id?: unknown } | null;
    return typeof listing?.build_id === "string" ? listing.build_id : null;
  } catch {
    return null;
  }
}
