/**
 * ENGINE: a classic blob worker inside the vault. No DOM, no network, one model. Started by compiled.ts or onnxruntime.ts.
 *
 * Protocol: {id, type} → progress* (done | failed), exactly one end a request; requests run one after another.
 */

import { AppError, describeError, type ErrorCode } from "../shared/errors";
import type { Reply, Request } from "../shared/messages";
import type { CreateRuntime } from "./runtime";
import { startSession, type Session } from "./session";

/** Answer the vault's requests with models on this runtime. */
export function serve(createRuntime: CreateRuntime): void {
  let session: Session | null = null;
  let last: Promise<void> = Promise.resolve();
  self.addEventListener("message", (event: MessageEvent<Request>) => {
    last = last.then(() => answer(event.data));
  });

  async function answer(request: Request): Promise<void> {
    try {
      const [result, transfer] = await handle(request);
      send({ id: request.id, type: "done", answer: result }, transfer);
    } catch (thrown) {
      send({ id: request.id, type: "failed", error: describeError(thrown, FALLBACK[request.type]) }, []);
    }
  }

  async function handle(request: Request): Promise<[answer: unknown, transfer: Transferable[]]> {
    if (request.type === "start") {
      session = await startSession(request, createRuntime, (step) => {
        send({ id: request.id, type: "progress", step }, []);
      });
      return [{ threads: session.threads }, []];
    }
    if (!session) throw new AppError("E-ENGINE-START");
    switch (request.type) {
      case "prove":
        return [await session.prove(request.image), []];
      case "predict": {
        const prediction = await session.predict(request.image, request.thumbnail_px);
        return [prediction, [prediction.thumbnail.rgba.buffer]];
      }
      case "preview": {
        const preview = await session.preview(request.image, request.size_px);
        return [preview, [preview.rgba.buffer]];
      }
    }
  }
}

const FALLBACK: Readonly<Record<Request["type"], ErrorCode>> = {
  start: "E-ENGINE-START",
  prove: "E-ENGINE-START",
  predict: "E-ENGINE-CRASH",
  preview: "E-ENGINE-CRASH",
};

function send(reply: Reply, transfer: Transferable[]): void {
  self.postMessage(reply, { transfer });
}
