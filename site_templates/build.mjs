/**
 * Bundles the browser code: one classic script a realm, one style sheet a document. Usage: node build.mjs OUTPUT_FOLDER
 *
 * Same sources, same bytes, wherever the checkout lies: absWorkingDir is set and everything is minified.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
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
};
const STYLES = ["site.css", "workspace.css", "vault.css"];
/** onnxruntime starts its threads as module workers in so many places; an opaque frame only starts classic ones. */
const MODULE_WORKERS = 2;
/** A link in a warning of onnxruntime; the scripts of a site name no other host, so that a search finds none. */
const WARNING_LINK = "https://web.dev/cross-origin-isolation-guide/";
const FORBIDDEN = [/import\.meta/, /\bimport\s*\(/, /\bnew Function\b/, /\beval\(/, /type:"module"/, /<\/script/i];

const output = resolve(process.argv[2] ?? fail("usage: node build.mjs OUTPUT_FOLDER"));
mkdirSync(output, { recursive: true });
for (const [name, entry] of Object.entries(REALMS)) {
  if (name === "catalog.js" && !existsSync(join(HERE, entry))) continue; // the catalog page works without script
  const text = name === "engine-ort.js" ? adaptRuntime(bundle(entry)) : bundle(entry);
  const found = FORBIDDEN.find((pattern) => pattern.test(text));
  if (found) fail(`${name} contains ${found}, which its policy or its realm forbids`);
  writeFileSync(join(output, name), text);
}
for (const name of STYLES) writeFileSync(join(output, name), bundle(`styles/${name}`));
copyFileSync(join(HERE, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"), join(output, "ort.wasm"));

function bundle(entry) {
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
  });
  return result.outputFiles[0].text;
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
