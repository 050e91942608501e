/** The files of this build, written into the script by the builder: what the worker may serve, and how. */

/** What a page of this class is sent with; the names are those of builder/webipred/site/headers.py. */
export type HeaderClass = "page" | "workspace" | "data";

export interface ServedFile {
  readonly sha256: string;
  readonly size_bytes: number;
  readonly headers: HeaderClass;
  readonly type: string;
  /** Kept at once, when its model is loaded, or when somebody looks at it. */
  readonly keep: "install" | "model" | "use";
}

export interface WorkerTable {
  readonly version: string;
  readonly build_id: string;
  readonly headers: Readonly<Record<HeaderClass, Readonly<Record<string, string>>>>;
  readonly files: Readonly<Record<string, ServedFile>>;
}

declare const __WEBIPRED_WORKER_TABLE__: WorkerTable;
export const TABLE: WorkerTable = __WEBIPRED_WORKER_TABLE__;

const files = new Map(Object.entries(TABLE.files));

/** They list the files, this worker among them, so they cannot be listed in it: passed on for people, never kept. */
const UNLISTED: ReadonlySet<string> = new Set(["manifest.json", "SHA256SUMS"]);

/** Where a request leads: a file of this build, one that lists them, a folder without its slash, or nowhere. */
export type Target =
  | { readonly kind: "file"; readonly path: string; readonly file: ServedFile }
  | { readonly kind: "unlisted"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "unknown" };

/** Find what exactly this address names; a query, another host or another folder names nothing. */
export function findTarget(address: string, scope: string): Target {
  const plain = address.split("#", 1)[0] ?? ""; // requests carry no fragment, navigations may
  if (!plain.startsWith(scope)) return { kind: "unknown" };
  const rest = plain.slice(scope.length);
  const path = rest === "" || rest.endsWith("/") ? `${rest}index.html` : rest;
  const file = files.get(path);
  if (file) return { kind: "file", path, file };
  if (UNLISTED.has(path)) return { kind: "unlisted", path };
  return files.has(`${path}/index.html`) ? { kind: "folder", path: `${path}/` } : { kind: "unknown" };
}

/** Paths of the files that every visitor keeps. */
export function listInstalled(): string[] {
  return [...files].filter(([, { keep }]) => keep === "install").map(([path]) => path);
}

export function getFile(path: string): ServedFile {
  const file = files.get(path);
  if (!file) throw new TypeError(`${path} is no file of this build`);
  return file;
}
