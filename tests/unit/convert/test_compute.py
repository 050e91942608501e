"""The budget of multiplications: counted from shapes, checked where the network is made and where it is read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from conversions import convert_here, layer, make_head, make_onnx, make_target, sequential, write_tfjs
from webipred.convert.compute import check_compute, count_multiply_adds
from webipred.convert.limits import ConversionLimits
from webipred.convert.network_check import check_network
from webipred.errors import FindingsError

node = helper.make_node


def count(nodes: Sequence[onnx.NodeProto], kernel: Sequence[int] = ()) -> int:
    """Count a network on 8 × 8 × 3 whose result is called `scores`."""
    constants = {"kernel": np.zeros(kernel, np.float32)} if kernel else {}
    model = make_onnx(nodes, constants, shape=(1, 3, 8, 8))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return count_multiply_adds(model)


@pytest.mark.parametrize(
    ("last", "kernel", "expected"),
    [
        (node("Conv", ["image", "kernel"], ["scores"], pads=[1, 1, 1, 1]), (5, 3, 3, 3), 8 * 8 * 5 * 27),
        (node("Conv", ["image", "kernel"], ["scores"], group=3), (6, 1, 3, 3), 6 * 6 * 6 * 9),
        (node("ConvTranspose", ["image", "kernel"], ["scores"], strides=[2, 2]), (3, 5, 4, 4), 8 * 8 * 3 * 5 * 16),
        (node("MatMul", ["image", "kernel"], ["scores"]), (8, 11), 3 * 8 * 11 * 8),
        (node("MaxPool", ["image"], ["scores"], kernel_shape=[7, 7]), (), 3 * 2 * 2 * 49),
        (node("AveragePool", ["image"], ["scores"], kernel_shape=[8, 8]), (), 3 * 64),
        (node("LRN", ["image"], ["scores"], size=3), (), 192 * 3),
        (node("Relu", ["image"], ["scores"]), (), 192),
    ],
)
def test_an_operator_is_counted(last: onnx.NodeProto, kernel: Sequence[int], expected: int) -> None:
    assert expected == count([last], kernel)


@pytest.mark.parametrize(("turned", "kernel"), [(0, (192, 2)), (1, (1, 2))])
def test_a_dense_layer_is_counted(turned: int, kernel: Sequence[int]) -> None:
    nodes = [node("Flatten", ["image"], ["flat"]), node("Gemm", ["flat", "kernel"], ["scores"], transA=turned)]
    assert 192 + 192 * 2 == count(nodes, kernel)


def test_a_network_beyond_the_budget_is_refused_when_made_and_when_read(tmp_path: Path) -> None:
    layers, weights = make_head(4)
    kernel = np.zeros((5, 5, 3, 4), np.float32)
    conv = layer("Conv2D", "conv", filters=4, kernel_size=[5, 5], padding="same", use_bias=False)
    path = write_tfjs(tmp_path / "model.zip", sequential(conv, *layers), {"conv/kernel": kernel, **weights})
    network = convert_here(path, make_target("tfjs-layers"))
    strict = make_target("tfjs-layers", limits=ConversionLimits(multiply_adds=10_000))
    expected = r"the network needs 0\.0 · 10⁹ multiplications for one image, the limit is 1e-05 · 10⁹"
    with pytest.raises(FindingsError, match=expected):
        convert_here(path, strict)
    with pytest.raises(FindingsError, match="E-CONVERT-COMPUTE"):
        check_network(network, strict, "test/1")


def test_a_network_that_would_compute_for_hours_is_refused_at_once(tmp_path: Path) -> None:
    nodes = [
        *(node("Conv", ["image" if not i else f"c{i}", "kernel"], [f"c{i + 1}"], pads=[15] * 4) for i in range(100)),
        node("GlobalAveragePool", ["c100"], ["pool"]),
        node("Flatten", ["pool"], ["flat"]),
        node("Softmax", ["flat"], ["scores"]),
    ]
    model = make_onnx(nodes, {"kernel": np.zeros((3, 3, 31, 31), np.float32)}, shape=(1, 3, 1024, 1024), classes=3)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        FindingsError, match=r"the network needs 906\.9 · 10⁹ multiplications .* the limit is 100 · 10⁹"
    ):
        convert_here(path, make_target("onnx", (1024, 1024, 3), 3))


def test_a_tensor_without_a_shape_is_refused() -> None:
    model = make_onnx([node("Relu", ["image"], ["scores"])], {}, shape=("N", 3, 8, 8))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(FindingsError, match="the shapes inside of the converted network are not known: 'scores'"):
        check_compute(model, make_target("onnx"))
