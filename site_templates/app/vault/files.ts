/** Files from an input, a drop or the clipboard, with the path inside a chosen folder as their name. */

export interface NamedFile {
  readonly name: string;
  readonly file: File;
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

/** Files of a drop or a paste; folders are walked. The entries must be taken before the event ends. */
export async function readTransfer(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries = Array.from(transfer.items, (item) => (item.kind === "file" ? item.webkitGetAsEntry() : null));
  const plain = Array.from(transfer.files);
  if (entries.every((entry) => entry === null || entry.isFile)) return plain.map((file) => ({ name: file.name, file }));
  const found: NamedFile[] = [];
  for (const entry of entries) if (entry) await walk(entry, entry.name, found);
  return found;
}

async function walk(entry: FileSystemEntry, name: string, found: NamedFile[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    if (!name.includes("/") || !SYSTEM_FILE.test(file.name)) found.push({ name, file });
  } else if (entry instanceof FileSystemDirectoryEntry) {
    const children = await readChildren(entry.createReader());
    children.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const child of children) await walk(child, `${name}/${child.name}`, found);
  }
}

/** A reader gives about a hundred entries a call, and none at the end. */
async function readChildren(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
