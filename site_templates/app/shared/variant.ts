/** Which build of the compiled engine this browser runs best, and how many threads or engines this computer bears. */

import type { NetworksRef } from "./manifest";

export type Variant = keyof NetworksRef;

/** More threads than this gain little on one image; builder/engine/net/team.h allows 16. */
const MAX_THREADS = 8;

/** A module with one f32x4.relaxed_madd: browsers without relaxed SIMD call it invalid. */
const RELAXED_PROBE = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic and version
  1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b, // type: three vectors to one
  3, 2, 1, 0, // one function of it
  10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 2, 0x0b, // relaxed_madd of its arguments
]);

/** The fastest build that this realm can run. The vault inherits the shell's isolation, so both find the same. */
export function chooseVariant(): Variant {
  const isRelaxed = WebAssembly.validate(RELAXED_PROBE);
  if (hasSharedMemory() && countThreads() > 1) return isRelaxed ? "relaxed_threads" : "plain_threads";
  return isRelaxed ? "relaxed" : "plain";
}

/** Builds to try, best first: the plain one without threads runs wherever the page does. */
export function listVariants(): readonly Variant[] {
  const best = chooseVariant();
  return best === "plain" ? [best] : [best, "plain"];
}

/** Whether memory may be shared with threads here. */
export function hasSharedMemory(): boolean {
  return self.crossOriginIsolated && typeof SharedArrayBuffer === "function";
}

/** All cores of small computers; one is left to the page where there are more than two. */
export function countThreads(cores: number = navigator.hardwareConcurrency): number {
  return Math.max(1, Math.min(MAX_THREADS, cores > 2 ? cores - 1 : cores));
}
