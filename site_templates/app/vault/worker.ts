/** The one place that starts a script: the engine, as a classic worker from the verified bytes. */

import { claimPolicies, createPolicy } from "../shared/trusted-types";

/** Return a function that starts the engine; call once, at boot, before anything else can claim the policies. */
export function createWorkerStarter(): (script: Blob) => Worker {
  const policy = createPolicy(self, "vault", {
    createScriptURL(url) {
      if (url.startsWith("blob:")) return url;
      throw new TypeError("the vault starts no script from an address");
    },
  });
  claimPolicies(self, ["default"]);
  return (script) => {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    // A module worker would not start here: the frame has an opaque origin. The address stays, threads need it.
    return new Worker(policy.createScriptURL(url), { name: "engine" });
  };
}
