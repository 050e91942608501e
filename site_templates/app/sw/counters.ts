/** Counts of requests since the last model load. Kept beside the files, because a worker may be ended at any time. */

import type { RequestCounts, WorkerStatus } from "../shared/sw-messages";
import { STATE } from "./storage";

declare const self: ServiceWorkerGlobalScope;

export type Outcome = keyof RequestCounts;
type Counts = Pick<WorkerStatus, "since" | "since_model_load" | "workspace" | "others">;

const PLACE = `${self.registration.scope}counters`;
const NONE: RequestCounts = { served: 0, fetched: 0, refused: 0 };

let turn: Promise<Counts> = restore();

async function restore(): Promise<Counts> {
  try {
    const stored = await (await caches.open(STATE)).match(PLACE);
    if (stored) return (await stored.json()) as Counts; // only this module writes there
  } catch {
    // unreadable: count from now on
  }
  return startCounts(false);
}

function startCounts(isModelLoad: boolean): Counts {
  return { since: Date.now(), since_model_load: isModelLoad, workspace: NONE, others: NONE };
}

/** One change after the other; each is written before the next begins. */
function change(next: (counts: Counts) => Counts): Promise<Counts> {
  turn = turn.then(async (counts) => {
    const changed = next(counts);
    try {
      await (await caches.open(STATE)).put(PLACE, new Response(JSON.stringify(changed)));
    } catch {
      // a full disk: the counts live as long as the worker
    }
    return changed;
  });
  return turn;
}

/** Begin anew: a model was loaded, or this build was installed. */
export function restartCounts(isModelLoad: boolean): Promise<Counts> {
  return change(() => startCounts(isModelLoad));
}

export function count(who: "workspace" | "others", outcome: Outcome): Promise<Counts> {
  return change((counts) => ({ ...counts, [who]: { ...counts[who], [outcome]: counts[who][outcome] + 1 } }));
}

export function readCounts(): Promise<Counts> {
  return turn;
}
