/** The script of a worker that measures onnxruntime-web; `webipred-build bench` starts it, no site ships it. */

import { serveBench } from "./bench";
import { createOrtRuntime } from "./ort-runtime";

/** onnxruntime starts its threads from this same script, under this name. */
const THREAD_NAME = "em-pthread";

if (!self.name.startsWith(THREAD_NAME)) serveBench(({ wasm, threads }) => createOrtRuntime(wasm, threads));
