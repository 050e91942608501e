"""TensorFlow SavedModel → ONNX by tf2onnx. Runs in the tensorflow environment."""

from pathlib import Path
from typing import Final

import numpy as np
import tensorflow as tf
import tf2onnx
from tf2onnx import optimizer, tf_loader

from webipred.convert.frameworks.worker import Exported, Numbers
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse
from webipred.sources.unpacking import UnpackLimits, read_members

CONVERTER: Final = f"saved-model/tf2onnx-{tf2onnx.__version__}"
SIGNATURE: Final = "serving_default"
EXPORT_OPSET: Final = 18
GRAPH: Final = "saved_model.pb"


def export(path: Path, folder: Path, target: ConversionTarget) -> Exported:
    """Unpack, load and export the default signature. Raises FindingsError."""
    place = unpack(path, folder / "model", target)
    loaded = tf.saved_model.load(str(place))
    if SIGNATURE not in loaded.signatures:
        what = f"the model has no signature {SIGNATURE!r}, only {ascii(sorted(loaded.signatures))[:200]}."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Export it with model.export or tf.saved_model.save.")
    function = loaded.signatures[SIGNATURE]
    names = list(function.structured_input_signature[1])
    outputs = list(function.structured_outputs)
    if len(names) != 1 or len(outputs) != 1:
        what = f"the signature has {len(names)} inputs and {len(outputs)} outputs, one image and one list are needed."
        raise refuse("E-CONVERT-INPUT", target.where, what, "Export a model of one image and its class scores.")
    graph_def, inputs, ends, renamed = tf_loader.from_saved_model(str(place), None, None, return_tensors_to_rename=True)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        traced = tf2onnx.tfonnx.process_tf_graph(
            graph, opset=EXPORT_OPSET, input_names=inputs, output_names=ends, tensors_to_rename=renamed
        )
    network: bytes = optimizer.optimize_graph(traced).make_model("saved-model").SerializeToString()

    def run(image: Numbers) -> Numbers:
        return np.asarray(function(**{names[0]: tf.constant(image)})[outputs[0]])

    return Exported(network=network, run=run, shape=(1, target.height, target.width, target.channels))


def unpack(path: Path, place: Path, target: ConversionTarget) -> Path:
    """Write the members of the zip below `place`; return the folder that holds saved_model.pb."""
    limits = UnpackLimits(max_total_bytes=target.limits.unpacked_bytes)
    members = read_members(path, limits, label=target.where)
    for name, data in members.items():
        member = place / name
        member.parent.mkdir(parents=True, exist_ok=True)
        member.write_bytes(data)
    graphs = [name for name in members if name.rsplit("/", 1)[-1] == GRAPH]
    if len(graphs) != 1:
        what = f"the archive holds {len(graphs)} files {GRAPH}, one is needed."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Publish the folder of one SavedModel as a zip.")
    return (place / graphs[0]).parent
