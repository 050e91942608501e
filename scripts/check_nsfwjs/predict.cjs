// Unpacks one TF.js Layers model of the npm package nsfwjs and runs it in TensorFlow.js on given inputs.
// Usage: node predict.cjs <package's model folder> <work folder>; the work folder gets model.json and the shards;
// where it holds input.f32 and input.json ({"shape": […]}), output.f32 is written as well.
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [source, work] = process.argv.slice(2).map((folder) => path.resolve(folder));
const load = createRequire(path.join(source, "index.js"));

function unpackModel() {
  const model = load(path.join(source, "model.min.js"));
  const group = model.weightsManifest[0];
  const shards = group.paths.map((name) => Buffer.from(load(path.join(source, `${name}.min.js`)), "base64"));
  fs.writeFileSync(path.join(work, "model.json"), JSON.stringify(model));
  group.paths.forEach((name, number) => fs.writeFileSync(path.join(work, name), shards[number]));
  return { model, weights: Buffer.concat(shards) };
}

async function predict({ model, weights }) {
  const tf = load("@tensorflow/tfjs");
  await tf.setBackend("cpu");
  const data = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
  const handler = {
    load: async () => ({
      modelTopology: model.modelTopology,
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
      weightData: data,
    }),
  };
  const network = await tf.loadLayersModel(handler);
  const { shape } = JSON.parse(fs.readFileSync(path.join(work, "input.json"), "utf8"));
  const bytes = fs.readFileSync(path.join(work, "input.f32"));
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const result = network.predict(tf.tensor(values, shape));
  fs.writeFileSync(path.join(work, "output.f32"), Buffer.from((await result.data()).buffer));
}

const unpacked = unpackModel();
if (fs.existsSync(path.join(work, "input.f32"))) predict(unpacked);
