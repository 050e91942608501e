/** The engine's script for models that run on the compiled engine, net.wasm; holds nothing of onnxruntime-web. */

import { claimPolicies, createPolicy } from "../shared/trusted-types";
import { serve } from "./main";
import { createPlanRuntime } from "./plan-runtime";
import { serveAsThread, THREAD_NAME } from "./plan-threads";

/** The only script that it starts is itself, as a thread. */
const policy = createPolicy(self, "vault", {
  createScriptURL(url) {
    if (url === self.location.href) return url;
    throw new TypeError("the engine starts no other script");
  },
});
claimPolicies(self, ["default"]);

function startThread(): Worker {
  return new Worker(policy.createScriptURL(self.location.href), { name: THREAD_NAME });
}

if (self.name === THREAD_NAME) serveAsThread();
else serve((wasm, threads) => createPlanRuntime(wasm, { threads, startThread }));
