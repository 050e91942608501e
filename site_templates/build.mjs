/**
 * Bundles the browser code: one classic script a realm, one style sheet a document. Usage: node build.mjs OUTPUT_FOLDER
 *
 * Same sources, same bytes, wherever the checkout lies: absWorkingDir is set and everything is minified.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const REALMS = {
  "shell.js": "app/shell/main.ts",
  "vault.js": "app/vault/main.tsx",
  "sw.js": "app/sw/main.ts",
  "engine.js": "app/engine/compiled.ts",
  "engine-ort.js": "app/engine/onnxruntime.ts",
  "catalog.js": "app/catalog/catalog.ts",
  "bench.js": "app/bench/main.ts",
  "bench-engine.js": "app/engine/bench-compiled.ts",
  "bench-ort.js": "app/engine/bench-onnxruntime.ts",
  "privacy.js": "app/privacy/main.ts",
};
/** Bundles that hold onnxruntime-web, which is changed in three places. */
const WITH_ORT = ["engine-ort.js", "bench-ort.js"];
const STYLES = ["site.css", "workspace.css", "vault.css"];
/** onnxruntime starts its threads as module workers in so many places; an opaque frame only starts classic ones. */
const MODULE_WORKERS = 2;
/** A link in a warning of onnxruntime; the scripts of a site name no other host, so that a search finds none. */
const WARNING_LINK = "https://web.dev/cross-origin-isolation-guide/";
const FORBIDDEN = [/import\.meta/, /\bimport\s*\(/, /\bnew Function\b/, /\beval\(/, /type:"module"/, /<\/script/i];

/** Emitted file → what of other people's packages is in it, for the bill of materials that every site carries. */
const components = { "ort.wasm": [describePackage("node_modules/onnxruntime-web")] };
/** Packages that come bundled inside another one's files, where esbuild cannot tell them apart. */
const INSIDE = { "node_modules/onnxruntime-web": ["node_modules/onnxruntime-common"] };

const output = resolve(process.argv[2] ?? fail("usage: node build.mjs OUTPUT_FOLDER"));
mkdirSync(output, { recursive: true });
for (const [name, entry] of Object.entries(REALMS)) {
  if (name === "catalog.js" && !existsSync(join(HERE, entry))) continue; // the catalog page works without script
  const text = WITH_ORT.includes(name) ? adaptRuntime(bundle(entry, name)) : bundle(entry, name);
  const found = FORBIDDEN.find((pattern) => pattern.test(text));
  if (found) fail(`${name} contains ${found}, which its policy or its realm forbids`);
  writeFileSync(join(output, name), text);
}
for (const name of STYLES) writeFileSync(join(output, name), bundle(`styles/${name}`, name));
copyFileSync(join(HERE, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"), join(output, "ort.wasm"));
writeFileSync(join(output, "components.json"), `${JSON.stringify(Object.fromEntries(Object.entries(components).sort()))}\n`);

function bundle(entry, name) {
  const result = buildSync({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii", // the scripts are written into pages: no byte may depend on a declared encoding
    legalComments: "none", // licences are in THIRD_PARTY_NOTICES.md
    jsx: "automatic",
    jsxImportSource: "preact",
    supported: { "dynamic-import": false }, // onnxruntime could load its glue by address; here it would only fail
    define: { "import.meta.url": "self.location.href" },
    logLevel: "warning",
    metafile: true,
  });
  const packages = listPackages(result.metafile);
  if (packages.length > 0) components[name] = packages;
  return result.outputFiles[0].text;
}

/** The packages of which at least one byte is in the output, by name. */
function listPackages({ outputs }) {
  const inputs = Object.values(outputs).flatMap((file) => Object.entries(file.inputs));
  const used = inputs.filter(([path, { bytesInOutput }]) => path.startsWith("node_modules/") && bytesInOutput > 0);
  const folders = used.map(([path]) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)[0]);
  return [...new Set(folders.flatMap((folder) => [folder, ...(INSIDE[folder] ?? [])]))].sort().map(describePackage);
}

function describePackage(folder) {
  const lock = JSON.parse(readFileSync(join(HERE, "package-lock.json"), "utf8"));
  const { version, license, integrity } = lock.packages[folder] ?? fail(`${folder} is not in package-lock.json`);
  if (!license || !integrity?.startsWith("sha512-")) fail(`package-lock.json names no licence or digest of ${folder}`);
  const sha512 = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  return { name: folder.slice("node_modules/".length), version, license, sha512 };
}

function adaptRuntime(text) {
  const places = text.split('type:"module"').length - 1;
  if (places !== MODULE_WORKERS) fail(`expected ${MODULE_WORKERS} worker starts in onnxruntime-web, found ${places}`);
  return text.replaceAll('type:"module"', 'type:"classic"').replaceAll(WARNING_LINK, "web.dev");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
