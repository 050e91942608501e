"""The blocks of modern classifiers, narrow and shallow; scripts/check_architectures.py does the same in full size."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from architectures import (
    EFFICIENT_STAGES,
    MOBILE_BLOCKS,
    draw_image,
    make_convnext,
    make_efficientnet,
    make_mobilenet,
    make_resnext,
    make_vision_transformer,
)
from networks import run_reference
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.network import Network

TOLERANCE = 1e-5

SMALL: dict[str, Callable[[], bytes]] = {
    "ViT": lambda: make_vision_transformer(size=48, width=48, depth=2, heads=3, classes=7),
    "ConvNeXt": lambda: make_convnext(size=64, widths=(16, 24, 40, 64), depths=(1, 1, 2, 1), classes=7),
    "ResNeXt": lambda: make_resnext(size=64, depths=(1, 2, 1, 1), groups=8, base=32, classes=7),
    "EfficientNetV2": lambda: make_efficientnet(
        size=64, stages=[(se, e, width // 4, s, 1) for se, e, width, s, _ in EFFICIENT_STAGES], last=64, classes=7
    ),
    "MobileNetV3": lambda: make_mobilenet(size=64, blocks=MOBILE_BLOCKS[::2], last=(96, 128), classes=7),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_architecture_agrees_with_native_onnxruntime(net_wasm: bytes, name: str) -> None:
    model = SMALL[name]()
    size = onnx.load_from_string(model).graph.input[0].type.tensor_type.shape.dim[1].dim_value
    network = Network(net_wasm, compile_network(model).data)
    for seed in range(2):
        image = draw_image(size, seed)
        expected = run_reference(model, image)[0]
        assert expected.max() < 0.999  # a saturated softmax would agree whatever stands before it
        assert np.abs(expected - network.run(image)[0]).max() <= TOLERANCE


@pytest.mark.parametrize("name", ["ViT", "ConvNeXt"])
def test_transformers_have_no_kernels_for_parts_of_functions(name: str) -> None:
    """GELU, layer normalisation and biases are spelled out in the graph, and fused in the plan."""
    codes = {code.name for code in compile_network(SMALL[name]()).codes}
    assert not codes & {"UNARY", "MEAN_OF_LAST", "REDUCTION"}


def with_features(model: bytes, operator: str) -> bytes:
    """Return the network with what its last node of this operator makes as second output, as class maps need it."""
    proto = onnx.load_from_string(model)
    features = [node.output[0] for node in proto.graph.node if node.op_type == operator][-1]
    proto.graph.output.append(onnx.ValueInfoProto(name=features))
    data: bytes = proto.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("name", "operator"),
    [("ResNeXt", "Relu"), ("ResNeXt", "Conv"), ("EfficientNetV2", "Mul"), ("MobileNetV3", "HardSwish"),
     ("ConvNeXt", "Add"), ("MobileNetV3", "BatchNormalization")],
)  # fmt: skip
def test_features_inside_come_out_as_a_second_output(net_wasm: bytes, name: str, operator: str) -> None:
    model = with_features(SMALL[name](), operator)
    image = draw_image(64)
    expected = run_reference(model, image)
    actual = Network(net_wasm, compile_network(model).data).run(image)
    assert np.abs(expected[0] - actual[0]).max() <= TOLERANCE
    # features are no probabilities: single values go up to some tens
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-4, atol=1e-4)
