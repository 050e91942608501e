"""The registry of layer classes: what is not here is refused."""

import re
from collections.abc import Mapping
from typing import Final

from webipred.convert.keras_config import KerasLayer, refuse_custom
from webipred.convert.keras_layers.activations import ACTIVATIONS
from webipred.convert.keras_layers.attention import SEQUENCES
from webipred.convert.keras_layers.convolution import CONVOLUTIONS
from webipred.convert.keras_layers.layer import LayerEmitter
from webipred.convert.keras_layers.merging import MERGES
from webipred.convert.keras_layers.normalization import NORMALIZATIONS
from webipred.convert.keras_layers.pooling import POOLINGS
from webipred.convert.keras_layers.shapes import SHAPES
from webipred.convert.keras_layers.tf_functions import OPERATIONS, emit_function
from webipred.errors import refuse

LAYERS: Final[Mapping[str, LayerEmitter]] = {
    **ACTIVATIONS,
    **CONVOLUTIONS,
    **MERGES,
    **NORMALIZATIONS,
    **POOLINGS,
    **SEQUENCES,
    **SHAPES,
    "TFOpLambda": emit_function,
}
OPERATION_MODULES: Final = re.compile(r"^keras\.(src\.)?ops(\.|$)")


def takes_constants(layer: KerasLayer) -> bool:
    """Whether a call of the layer may hold numbers beside tensors; functions judge them for themselves."""
    return layer.class_name in ("TFOpLambda", "MultiHeadAttention") or bool(OPERATION_MODULES.match(layer.module))


def find_emitter(layer: KerasLayer, where: str) -> LayerEmitter:
    """Return the emitter of a layer's class. Raises FindingsError E-CONVERT-LAYER for a class without one."""
    if layer.class_name == "Lambda":
        raise refuse(
            "E-CONVERT-LAYER",
            where,
            "a Lambda layer holds Python code in the file; code from a model is never run here, by design.",
            "Replace the Lambda by Keras layers and export again, or export the model as ONNX.",
        )
    if OPERATION_MODULES.match(layer.module):
        emitter = OPERATIONS.get(layer.class_name)
    else:
        emitter = LAYERS.get(layer.class_name)
    if emitter is not None:
        return emitter
    if not layer.module and layer.class_name not in KNOWN_TO_KERAS:
        raise refuse_custom(layer.class_name, where)
    raise refuse(
        "E-CONVERT-LAYER",
        where,
        "this layer class is not converted.",
        "docs/conversion.md lists the classes that are; exporting the model as ONNX may help.",
    )


# Classes of Keras without emitter: they get another sentence than classes that only their author has.
KNOWN_TO_KERAS: Final = frozenset(
    [
        "AdditiveAttention",
        "Attention",
        "AveragePooling1D",
        "AveragePooling3D",
        "Bidirectional",
        "CategoryEncoding",
        "CenterCrop",
        "Conv1D",
        "Conv1DTranspose",
        "Conv3D",
        "Conv3DTranspose",
        "ConvLSTM2D",
        "Cropping1D",
        "Cropping3D",
        "DepthwiseConv1D",
        "Dot",
        "Embedding",
        "GRU",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling3D",
        "GroupQueryAttention",
        "InputLayer",
        "LSTM",
        "LocallyConnected2D",
        "Masking",
        "MaxPooling1D",
        "MaxPooling3D",
        "RandomCrop",
        "RepeatVector",
        "Resizing",
        "RMSNormalization",
        "SeparableConv1D",
        "SimpleRNN",
        "SlicingOpLambda",
        "SpatialDropout1D",
        "SpectralNormalization",
        "ThresholdedReLU",
        "TimeDistributed",
        "UnitNormalization",
        "UpSampling1D",
        "UpSampling3D",
        "ZeroPadding1D",
        "ZeroPadding3D",
    ]
)
