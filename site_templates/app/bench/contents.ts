/** What the builder writes into the page that measures; the twin of builder/webipred/site/measuring.py. */

import type { FileRef, NetworksRef } from "../shared/manifest";

export interface MeasuredModel {
  readonly id: string;
  /** (1, height, width, channels). */
  readonly shape: readonly number[];
  readonly weights: FileRef;
  readonly weights_parts: readonly FileRef[];
}

export interface Contents {
  readonly build_id: string;
  readonly script: FileRef;
  readonly networks: NetworksRef;
  readonly models: readonly MeasuredModel[];
}

/** Accept what was written into this script; page and builder are made together. */
export function parseContents(value: unknown): Contents {
  const contents = value as Partial<Contents> | null;
  if (!contents?.script || !contents.networks || !Array.isArray(contents.models)) throw new TypeError("the page is incomplete");
  return contents as Contents;
}
