/** The vault's frame: made from the pinned HTML, given one message, removed to forget everything. */

import type { LoadMessage } from "../shared/messages";
import { claimPolicies, createPolicy, type Policy } from "../shared/trusted-types";

/** The workspace lies one folder below the root, which is the worker's scope. */
export const WORKER_URL = "../sw.js";

const PERMISSIONS =
  "cross-origin-isolated; camera 'none'; microphone 'none'; geolocation 'none'; clipboard-read 'none'; display-capture 'none'";

/**
 * Create the shell's only policy, which passes exactly the vault's HTML and the service worker's address, and claim the
 * names of the other realms.
 */
export function createShellPolicy(vaultHtml: string): Policy {
  const policy = createPolicy(self, "shell", {
    createHTML(text) {
      if (text === vaultHtml) return text;
      throw new TypeError("the shell shows no other HTML");
    },
    createScriptURL(url) {
      if (url === WORKER_URL) return url;
      throw new TypeError("the shell starts no other script");
    },
  });
  claimPolicies(self, ["vault", "default"]);
  return policy;
}

/**
 * Append a fresh vault to `host` and hand it the model, once it listens. No message ever comes back; all that the shell
 * can notice is that the vault's document ends, which is how a vault that nobody uses asks for its removal.
 */
export async function openVault(
  host: HTMLElement,
  policy: Policy,
  vaultHtml: string,
  title: string,
  load: LoadMessage,
  onEnd: () => void,
): Promise<HTMLIFrameElement> {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.setAttribute("allow", PERMISSIONS);
  frame.title = title;
  frame.srcdoc = policy.createHTML(vaultHtml);
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  host.replaceChildren(frame);
  await loaded;
  // "*": an opaque origin has no name; the frame was made here and cannot navigate (frame-src 'none').
  frame.contentWindow?.postMessage(load, "*");
  frame.addEventListener("load", onEnd, { once: true });
  frame.focus();
  return frame;
}
