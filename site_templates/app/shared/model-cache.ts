/** The store of model files in this browser: filled by the service worker, counted and emptied by anyone of the site. */

/** Neighbours on the same origin have stores of their own: the scope, the site's root, is part of the names. */
export function nameStores(scope: string): string {
  return `webipred ${scope} `;
}

export function nameModelStore(scope: string): string {
  return `${nameStores(scope)}models`;
}

export interface KeptModels {
  readonly files: number;
  readonly bytes: number;
}

/** Count what is kept; nothing where storage is blocked. Never rejects. */
export async function countModels(scope: string): Promise<KeptModels> {
  try {
    if (!(await caches.has(nameModelStore(scope)))) return { files: 0, bytes: 0 };
    const store = await caches.open(nameModelStore(scope));
    const files = await store.matchAll();
    const sizes = files.map(({ headers }) => Number(headers.get("Content-Length")));
    return { files: files.length, bytes: sizes.reduce((total, size) => total + size, 0) };
  } catch {
    return { files: 0, bytes: 0 };
  }
}

/** Remove every model file from this browser. Never rejects. */
export async function forgetModels(scope: string): Promise<void> {
  try {
    await caches.delete(nameModelStore(scope));
  } catch {
    return; // no storage, nothing kept
  }
}
