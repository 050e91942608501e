/** The script of a worker that measures the compiled engine; the runtime is that of the workspace. */

import { claimPolicies, createPolicy } from "../shared/trusted-types";
import { serveBench } from "./bench";
import { createPlanRuntime } from "./plan-runtime";
import { serveAsThread, THREAD_NAME } from "./plan-threads";

/** The only script that it starts is itself, as a thread. */
const policy = createPolicy(self, "bench", {
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
else serveBench(({ wasm, threads }) => createPlanRuntime(wasm, { threads, startThread }));
