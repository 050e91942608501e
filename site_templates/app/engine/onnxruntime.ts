/** The engine's script for models that the compiled engine cannot run: the same with onnxruntime-web. */

import { claimPolicies, createPolicy } from "../shared/trusted-types";
import { serve } from "./main";
import { createOrtRuntime } from "./ort-runtime";

/** onnxruntime starts its threads from this same script, under this name. */
const THREAD_NAME = "em-pthread";

/** The only script address that this worker may start is its own: onnxruntime's threads. */
function allowOwnScript(): void {
  createPolicy(self, "default", {
    createScriptURL(url) {
      if (url === self.location.href) return url;
      throw new TypeError("the engine starts no other script");
    },
  });
  claimPolicies(self, ["vault"]);
}

allowOwnScript();
if (!self.name.startsWith(THREAD_NAME)) serve((wasm) => createOrtRuntime(wasm));
