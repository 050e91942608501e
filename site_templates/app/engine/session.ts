/** One loaded model: decoding, preprocessing and runtime in a row. */

import { AppError } from "../shared/errors";
import type { BundleManifest } from "../shared/manifest";
import type { Prediction, Tasks, Thumbnail } from "../shared/messages";
import { hashNow } from "../shared/sha256";
import { decodeImage } from "./decode";
import { checkProbabilities } from "./outputs";
import { shrink, type Pixels } from "./pixels";
import { createPreprocessor, type Preprocessor, type Tensor } from "./preprocess";
import type { CreateRuntime, Runtime } from "./runtime";

export interface Session {
  readonly threads: number;
  /** Run a golden image and return what is compared with the reference. */
  prove(image: Blob): Promise<Tasks["prove"]["answer"]>;
  predict(image: ArrayBuffer, thumbnailPx: number): Promise<Prediction>;
  preview(image: ArrayBuffer, sizePx: number): Promise<Thumbnail>;
}

/** Load a model; `report` is told each step. */
export async function startSession(
  { model, preprocess, runtime, weights, threads }: Tasks["start"]["request"],
  createRuntime: CreateRuntime,
  report: (step: string) => void,
): Promise<Session> {
  report("preprocessing");
  const preprocessor = await createPreprocessor(await preprocess.arrayBuffer(), decodeBase64(model.preprocessing.program));
  report("weights");
  const network = createRuntime(await runtime.arrayBuffer(), threads);
  await network.load(await weights.arrayBuffer());
  const open = (image: ArrayBuffer): Promise<Pixels> => decodeImage(new Uint8Array(image), model.input);
  return {
    threads: network.threads,
    async prove(image) {
      const tensor = prepare(preprocessor, model, await open(await image.arrayBuffer()));
      const tensor_sha256 = hashNow(new Uint8Array(tensor.data.buffer));
      const values = await run(network, tensor);
      const output_sha256 = hashNow(new Uint8Array(values.buffer));
      return { tensor_sha256, output_sha256, probabilities: checkProbabilities(values, model) };
    },
    async predict(image, thumbnailPx) {
      const pixels = await open(image);
      const probabilities = checkProbabilities(await run(network, prepare(preprocessor, model, pixels)), model);
      return { probabilities, width: pixels.width, height: pixels.height, thumbnail: shrink(pixels, thumbnailPx) };
    },
    async preview(image, sizePx) {
      return shrink(await open(image), sizePx);
    },
  };
}

function prepare(preprocessor: Preprocessor, model: BundleManifest, pixels: Pixels): Tensor {
  const tensor = preprocessor.run(pixels);
  const channels = model.input.channels === "rgb" ? 3 : 1;
  const fits = tensor.width === model.input.width && tensor.height === model.input.height && tensor.channels === channels;
  if (!fits) throw new AppError("E-PREPROCESS", { status: "size" });
  return tensor;
}

function run(network: Runtime, { data, height, width, channels }: Tensor): Promise<Float32Array<ArrayBuffer>> {
  return network.run(data, [1, height, width, channels]);
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
