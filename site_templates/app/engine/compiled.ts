/** The engine's script for models that run on the compiled engine, net.wasm; holds nothing of onnxruntime-web. */

import { claimPolicies } from "../shared/trusted-types";
import { serve } from "./main";
import { createPlanRuntime } from "./plan-runtime";

claimPolicies(self, ["vault", "default"]); // it starts no script
serve(createPlanRuntime);
