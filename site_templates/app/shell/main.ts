/**
 * SHELL: has the network, never patient data, and listens to no message: data flows into the vault, never out.
 *
 * Manifest and vault are written into this script by the builder before it is hashed into the page's policy: the
 * hash of the script pins every byte that reaches the vault.
 */

import { parseSiteManifest } from "../shared/manifest";
import { createTranslate } from "../shared/text";
import { startCompanion } from "./companion";
import { create } from "./element";
import { createShellPolicy } from "./vault-frame";
import { Workspace } from "./workspace";

declare const __WEBIPRED_SITE_MANIFEST__: unknown;
declare const __WEBIPRED_VAULT_HTML__: string;

function main(): void {
  const vaultHtml = __WEBIPRED_VAULT_HTML__;
  const policy = createShellPolicy(vaultHtml);
  if (top !== self) {
    document.body.replaceChildren(create("p", {}, createTranslate(navigator.language.slice(0, 2))("app.framed")));
    return;
  }
  refuseDrops();
  const [bar, notice, stage, announcement] = ["bar", "notice", "stage", "announcement"].map(find);
  if (!bar || !notice || !stage || !announcement) throw new Error("the page lacks a place");
  const site = parseSiteManifest(__WEBIPRED_SITE_MANIFEST__);
  const places = { bar, notice, stage, announcement };
  new Workspace(site, places, policy, vaultHtml, startCompanion(site, policy)).start();
}

function find(id: string): HTMLElement | null {
  return document.getElementById(id);
}

/** A file dropped beside the vault would be opened in place of the page; here it is neither taken nor looked at. */
function refuseDrops(): void {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  });
  addEventListener("drop", (event) => event.preventDefault());
}

main();
