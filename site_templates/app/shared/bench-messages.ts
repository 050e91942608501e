/** What a page that measures asks of an engine worker, one request at a time, and what comes back. */

export interface OpenRequest {
  readonly type: "open";
  readonly wasm: ArrayBuffer;
  readonly weights: ArrayBuffer;
  /** (1, height, width, channels) of `input`. */
  readonly shape: readonly number[];
  readonly input: Float32Array<ArrayBuffer>;
  readonly threads: number;
}

export interface RunRequest {
  readonly type: "run";
  readonly count: number;
  /** Runs whose mean is one time: clocks of pages that are not isolated tick ten times a millisecond only. */
  readonly block: number;
}

export type BenchRequest = OpenRequest | RunRequest;

export interface Opened {
  readonly type: "opened";
  /** From module and weights in memory until the first image can be run. */
  readonly ready_ms: number;
  readonly first_ms: number;
  readonly threads: number;
  /** The probabilities of `input`, by which runtimes are compared. */
  readonly values: readonly number[];
}

export interface Timed {
  readonly type: "timed";
  /** `count` times for one image, tensor in, probabilities out. */
  readonly times_ms: readonly number[];
}

export interface BenchFailed {
  readonly type: "failed";
  readonly code: string;
  readonly detail: string;
}

export type BenchReply = Opened | Timed | BenchFailed;
