/** The copy of the public files in this browser: every file is hashed when it is put there and whenever it is used. */

import { nameModelStore, nameStores } from "../shared/model-cache";
import { getFile, listInstalled, TABLE, type ServedFile } from "./table";

declare const self: ServiceWorkerGlobalScope;

const PREFIX = nameStores(self.registration.scope);
const BUILD = `${PREFIX}${TABLE.version}`;
const MODELS = nameModelStore(self.registration.scope);
export const STATE = `${PREFIX}state`;
const AT_ONCE = 6;

/** The bytes of a file of this build, or null if they are not here; bytes that differ are thrown away, never used. */
export async function readStored(path: string): Promise<ArrayBuffer | null> {
  const file = getFile(path);
  for (const name of [BUILD, MODELS]) {
    const bytes = await readFrom(name, path, file);
    if (bytes) return bytes;
  }
  return null;
}

async function readFrom(name: string, path: string, file: ServedFile): Promise<ArrayBuffer | null> {
  if (!(await caches.has(name))) return null;
  const cache = await caches.open(name);
  const stored = await cache.match(locate(path));
  if (!stored) return null;
  const bytes = await stored.arrayBuffer();
  if (await matches(bytes, file)) return bytes;
  await cache.delete(locate(path));
  return null;
}

/** Ask the server: first as usual, and if the bytes differ once more past the browser's own cache. Throws TypeError. */
export async function fetchVerified(path: string): Promise<ArrayBuffer> {
  const file = getFile(path);
  for (const cache of ["no-cache", "reload"] as const) {
    const response = await request(path, cache);
    const bytes = response.ok ? await response.arrayBuffer() : null;
    if (bytes && (await matches(bytes, file))) return bytes;
  }
  throw new TypeError(`the server has another ${path} than this build`);
}

/** The only way to the network: an address of the site, without cookie, referrer or redirect. */
export function request(path: string, cache: RequestCache): Promise<Response> {
  const address = locate(path).replace(/\/index\.html$/, "/"); // some hosts redirect the name of an index page
  return fetch(address, { credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", cache });
}

/** Keep bytes that were verified, where files of this kind belong. A full disk is no failure: nothing is kept. */
export async function keep(path: string, bytes: ArrayBuffer): Promise<void> {
  try {
    const cache = await caches.open(getFile(path).keep === "model" ? MODELS : BUILD);
    await cache.put(locate(path), new Response(bytes, { headers: { "Content-Length": String(bytes.byteLength) } }));
  } catch {
    return;
  }
}

/** Keep what passes by, if it is the published file. */
export async function keepVerified(path: string, response: Response): Promise<void> {
  try {
    const bytes = await response.arrayBuffer();
    if (await matches(bytes, getFile(path))) await keep(path, bytes);
  } catch {
    return; // the page cancelled, or the connection broke
  }
}

/** Fill the store of this build with all its pages and the engine, or with nothing. Throws TypeError. */
export async function installBuild(): Promise<void> {
  const waiting = listInstalled();
  const install = async (): Promise<void> => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const bytes = (await findAnywhere(path)) ?? (await fetchVerified(path));
      const cache = await caches.open(BUILD);
      await cache.put(locate(path), new Response(bytes));
    }
  };
  const fill = async (): Promise<void> => {
    try {
      await install();
    } catch (error) {
      waiting.length = 0; // nobody begins another file
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, fill));
  const failure = results.find(({ status }) => status === "rejected");
  if (!failure) return;
  await caches.delete(BUILD);
  throw (failure as PromiseRejectedResult).reason;
}

/** An earlier build may have the same bytes at the same address. */
async function findAnywhere(path: string): Promise<ArrayBuffer | null> {
  const stored = await caches.match(locate(path));
  if (!stored) return null;
  const bytes = await stored.arrayBuffer();
  return (await matches(bytes, getFile(path))) ? bytes : null;
}

/** Remove the stores of earlier builds, and the models that this one does not publish. */
export async function removeEarlierBuilds(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(names.filter((name) => ![BUILD, MODELS, STATE].includes(name)).map((name) => caches.delete(name)));
  if (!names.includes(MODELS)) return;
  const models = await caches.open(MODELS);
  const published = new Set(Object.keys(TABLE.files).map(locate));
  const stale = (await models.keys()).filter(({ url }) => !published.has(url));
  await Promise.all(stale.map((file) => models.delete(file)));
}

function locate(path: string): string {
  return self.registration.scope + path;
}

async function matches(bytes: ArrayBuffer, { sha256, size_bytes }: ServedFile): Promise<boolean> {
  if (bytes.byteLength !== size_bytes) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return sha256 === Array.from(digest, (value) => value.toString(16).padStart(2, "0")).join("");
}
