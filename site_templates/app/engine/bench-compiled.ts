/** The script of a worker that measures the compiled engine; the runtime is that of the workspace. */

import { claimPolicies } from "../shared/trusted-types";
import { serveBench } from "./bench";
import { createPlanRuntime } from "./plan-runtime";

claimPolicies(self, ["bench", "default"]); // it starts no script
serveBench(({ wasm }) => createPlanRuntime(wasm));
