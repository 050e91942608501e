/** Files from an input, a drop or the clipboard, with the path inside a chosen folder as their name. */

import type { ErrorMessage } from "../shared/errors";

export interface NamedFile {
  readonly name: string;
  /** The error for what was dropped but cannot be read: it becomes a row too. */
  readonly file: File | ErrorMessage;
}

/** What systems leave in folders: never chosen on purpose. */
const SYSTEM_FILE = /^(\.|Thumbs\.db$|desktop\.ini$)/i;

/** Files of an input; clear the input afterwards, or the same choice would not fire again. */
export function readInput(input: HTMLInputElement): NamedFile[] {
  const files = Array.from(input.files ?? []);
  input.value = "";
  return files
    .map((file) => ({ name: file.webkitRelativePath || file.name, file }))
    .filter(({ file }) => !file.webkitRelativePath || !SYSTEM_FILE.test(file.name));
}

/** Files of a drop or a paste; folders are walked. The entries must be taken before the event ends. Never rejects. */
export async function readTransfer(transfer: DataTransfer): Promise<NamedFile[]> {
  const items = Array.from(transfer.items).filter(({ kind }) => kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: NamedFile[] = [];
  for (const { entry, file } of taken) {
    if (entry?.isDirectory) await walkFolder(entry as FileSystemDirectoryEntry, entry.name, found);
    else if (file) found.push({ name: file.name, file });
  }
  return found;
}

/**
 * Chromium lists no dropped folder to a page of an opaque origin (measured in 156): such a folder becomes one error
 * that names the button. Nor does every browser have the classes of entries: isDirectory tells them apart.
 */
async function walkFolder(folder: FileSystemDirectoryEntry, path: string, found: NamedFile[]): Promise<void> {
  const children = await readChildren(folder.createReader());
  if (!children) {
    found.push({ name: `${path}/`, file: { code: "E-IMAGE-READ", args: { variant: "folder" } } });
    return;
  }
  children.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const child of children) {
    const name = `${path}/${child.name}`;
    if (child.isDirectory) await walkFolder(child as FileSystemDirectoryEntry, name, found);
    else if (!SYSTEM_FILE.test(child.name)) found.push({ name, file: await openFile(child as FileSystemFileEntry) });
  }
}

async function openFile(entry: FileSystemFileEntry): Promise<NamedFile["file"]> {
  try {
    return await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
  } catch {
    return { code: "E-IMAGE-READ", args: {} };
  }
}

/** A reader gives about a hundred entries a call, and none at the end; null if the folder cannot be read. */
async function readChildren(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[] | null> {
  const all: FileSystemEntry[] = [];
  try {
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return all;
      all.push(...some);
    }
  } catch {
    return null;
  }
}
