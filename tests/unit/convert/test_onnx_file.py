"""ONNX files: layouts and opsets that are read, and everything that is refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from conversions import convert_here, make_image, make_target, run_network, run_planes
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError

KERNEL = np.random.default_rng(5).normal(size=(3, 2)).astype(np.float32)
Node = onnx.NodeProto


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Node:
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def build(
    nodes: Sequence[Node],
    shape: Sequence[int | str | None] = ("N", 8, 8, 3),
    *,
    constants: Sequence[onnx.TensorProto] = (),
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    output: Sequence[int | str | None] = ("N", 2),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes), "graph", [helper.make_tensor_value_info("image", kind, list(shape))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, list(output))],
        [numpy_helper.from_array(KERNEL, "kernel"), *constants],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def head(source: str, axes: Sequence[int] = (1, 2)) -> list[Node]:
    return [
        node("ReduceMean", [source], ["mean"], axes=list(axes), keepdims=0),
        node("MatMul", ["mean", "kernel"], ["logits"]),
        node("Softmax", ["logits"], ["scores"], axis=-1),
    ]


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def expect_scores(images: NDArray[np.float32]) -> NDArray[np.float32]:
    logits = images.mean(axis=(1, 2)) @ KERNEL
    exponents = np.exp(logits)
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


def refusal_of(model: onnx.ModelProto, folder: Path, **options: Any) -> str:
    with pytest.raises(FindingsError) as caught:
        convert_here(save(model, folder), make_target("onnx", **options))
    return str(caught.value)


@pytest.mark.parametrize("shape", [("N", 8, 8, 3), (1, 8, 8, 3), (None, "h", "w", 3)])
def test_pixels_stay_pixels(shape: Sequence[Any], tmp_path: Path) -> None:
    images = make_image()
    network = convert_here(save(build(head("image"), shape), tmp_path), make_target("onnx"))
    assert np.allclose(expect_scores(images), run_network(network, images), atol=1e-6)


@pytest.mark.parametrize("shape", [("N", 3, 8, 8), (1, 3, 8, 8), ("N", 3, "h", "w")])
def test_planes_are_turned(shape: Sequence[Any], tmp_path: Path) -> None:
    images = make_image()
    network = convert_here(save(build(head("image", (2, 3)), shape), tmp_path), make_target("onnx"))
    assert np.allclose(expect_scores(images), run_network(network, images), atol=1e-6)


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_older_opsets_are_upgraded(opset: int, tmp_path: Path) -> None:
    images = make_image()
    network = convert_here(save(build(head("image"), opset=opset), tmp_path), make_target("onnx"))
    assert [21] == [opset_id.version for opset_id in onnx.load_from_string(network).opset_import]
    assert np.allclose(expect_scores(images), run_network(network, images), atol=1e-6)


def test_shapes_that_are_computed_become_constants(tmp_path: Path) -> None:
    nodes = [
        node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=1),
        node("Shape", ["mean"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"]),
        node("Concat", ["batch", "rest"], ["target"], axis=0),
        node("Reshape", ["mean", "target"], ["flat"]),
        node("Dropout", ["flat"], ["kept"]),
        node("Identity", ["kept"], ["same"]),
        node("MatMul", ["same", "kernel"], ["logits"]),
        node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    constants = [
        numpy_helper.from_array(np.array([0]), "zero"), numpy_helper.from_array(np.array([-1]), "rest"),
    ]  # fmt: skip
    images = make_image()
    network = convert_here(save(build(nodes, constants=constants), tmp_path), make_target("onnx"))
    operators = {item.op_type for item in onnx.load_from_string(network).graph.node}
    assert {"ReduceMean", "Reshape", "MatMul", "Softmax"} == operators
    assert np.allclose(expect_scores(images), run_network(network, images), atol=1e-6)


def test_free_text_is_dropped(tmp_path: Path) -> None:
    model = build(head("image"))
    model.doc_string = model.graph.doc_string = model.graph.node[0].doc_string = "<script>"
    model.graph.node[0].name = model.producer_name = "<script>"
    model.metadata_props.add(key="<script>", value="<script>")
    assert b"<script>" not in convert_here(save(model, tmp_path), make_target("onnx"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (("N", 3, 16, 8), "the network takes 16 × 8 × 3 (height × width × channels), the entry's input is 8 × 8 × 3."),
        (("N", 8, 8, 1), "the network takes 8 × 8 × 1 (height × width × channels), the entry's input is 8 × 8 × 3."),
        (("N", "a", "b", "c"), "the input is any × any × any × any: is that (height, width, channel) or (channel"),
        (
            (8, 8, 8, 3),
            "the input is float 8 × 8 × 8 × 3, a float32 input of four axes and batch 1 (or any) is needed.",
        ),
        (("N", 192), "the input is float any × 192, a float32 input of four axes"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(shape: Sequence[Any], expected: str, tmp_path: Path) -> None:
    assert refusal_of(build(head("image"), shape), tmp_path).startswith(f"model model.bin: {expected}")


def test_an_input_of_bytes_is_refused(tmp_path: Path) -> None:
    model = build([node("Cast", ["image"], ["x"], to=1), *head("x")], kind=TensorProto.UINT8)
    assert "the input is uint8 any × 8 × 8 × 3" in refusal_of(model, tmp_path)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (
            [helper.make_node("Evil", ["image"], ["x"], domain="com.evil")],
            "the operator com.evil.Evil is not of ONNX itself",
        ),
        ([node("RandomNormalLike", ["image"], ["x"])], "the operator 'RandomNormalLike' is not on the list"),
        ([node("Loop", ["", "", "image"], ["x"], body=helper.make_graph([], "g", [], []))], "is a subgraph"),
        ([node("Relu", ["ghost"], ["x"])], "'Relu' takes 'ghost', which is not computed before it."),
        (
            [node("Relu", ["image"], ["scores"]), node("Relu", ["image"], ["x"])],
            "the name 'scores' is used for several",
        ),
        ([node("Constant", [], ["x"], value_strings=["a"])], "is a subgraph or of another type that is not allowed."),
        ([node("Reshape", ["image", "image"], ["x"])], "the shapes do not fit together for this input"),
    ],
)
def test_nodes_that_are_not_allowed_are_refused(nodes: list[Node], expected: str, tmp_path: Path) -> None:
    assert expected in refusal_of(build([*nodes, *head("x")]), tmp_path)


def test_a_constant_beyond_the_budget_is_refused(tmp_path: Path) -> None:
    size = numpy_helper.from_array(np.array([10**6, 10**6]), "size")
    model = build([node("ConstantOfShape", ["size"], ["big"]), *head("image")], constants=[size])
    assert "ConstantOfShape makes 1000000 × 1000000 numbers, the limit is 1048576." in refusal_of(model, tmp_path)


@pytest.mark.parametrize("op", ["Expand", "Tile", "Resize"])
def test_a_tensor_beyond_the_budget_is_refused(op: str, tmp_path: Path) -> None:
    size = numpy_helper.from_array(np.array([1, 100_000, 100_000, 1]), "size")
    small = numpy_helper.from_array(np.array([1, 100_000, 100_000, 3]), "small")
    factors = numpy_helper.from_array(np.array([1, 10_000, 10_000, 1], np.float32), "factors")
    nodes = {
        "Tile": [node("Tile", ["image", "size"], ["x"])],
        "Expand": [node("ReduceMean", ["image"], ["m"], axes=[1, 2]), node("Expand", ["m", "small"], ["x"])],
        "Resize": [node("Resize", ["image", "", "factors"], ["x"], mode="nearest")],
    }[op]
    text = refusal_of(build([*nodes, *head("x")], constants=[size, small, factors]), tmp_path)
    assert "E-CONVERT-SIZE" in text
    assert "more than 536870912" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"data_type": TensorProto.FLOAT16},
            "the tensor 'kernel' has the type float16; float32, int32, int64 and bool",
        ),
        ({"data_type": TensorProto.STRING}, "the tensor 'kernel' has the type string"),
        ({"dims": [10**6, 10**6]}, "the tensor 'kernel' declares 4000000000000 bytes, the limit is 536870912."),
        ({"dims": [3, 3]}, "the tensor 'kernel' declares 9 numbers and holds 6.0."),
        ({"dims": [-1, 2]}, "the tensor 'kernel' has the shape [-1, 2]."),
    ],
)
def test_a_tensor_that_lies_is_refused(change: dict[str, Any], expected: str, tmp_path: Path) -> None:
    model = build(head("image"))
    tensor = model.graph.initializer[0]
    if "dims" in change:
        del tensor.dims[:]
        tensor.dims.extend(change["dims"])
    tensor.data_type = change.get("data_type", tensor.data_type)
    assert expected in refusal_of(model, tmp_path)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/../../secret", "weights.bin"])
def test_external_data_is_refused(location: str, tmp_path: Path) -> None:
    model = build(head("image"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    assert "the tensor 'kernel' keeps its data outside of the file." in refusal_of(model, tmp_path)


@pytest.mark.parametrize(("opset", "ir_version"), [(99, 8), (5, 8), (17, 99)])
def test_odd_versions_are_refused(opset: int, ir_version: int, tmp_path: Path) -> None:
    model = build(head("image"), opset=opset)
    model.ir_version = ir_version
    assert "E-CONVERT-OPSET" in refusal_of(model, tmp_path)


def test_too_many_nodes_are_refused(tmp_path: Path) -> None:
    nodes = [node("Relu", ["image" if not number else f"r{number - 1}"], [f"r{number}"]) for number in range(30)]
    limits = ConversionLimits(nodes=20)
    expected = "model model.bin: the network has 33 nodes, the limit is 20."
    assert refusal_of(build([*nodes, *head("r29")]), tmp_path, limits=limits).startswith(expected)


def test_nan_is_refused(tmp_path: Path) -> None:
    bad = numpy_helper.from_array(np.array([0, np.nan, 0], np.float32), "bad")
    model = build([node("Add", ["image", "bad"], ["x"]), *head("x")], constants=[bad])
    assert "the constant 'bad' holds NaN or infinity." in refusal_of(model, tmp_path)


def test_training_mode_is_refused(tmp_path: Path) -> None:
    yes = numpy_helper.from_array(np.array(True), "yes")
    rate = numpy_helper.from_array(np.array(0.5, np.float32), "rate")
    model = build([node("Dropout", ["image", "rate", "yes"], ["x"]), *head("x")], constants=[yes, rate])
    assert "may run in training mode." in refusal_of(model, tmp_path)


def test_a_softmax_along_another_axis_is_refused(tmp_path: Path) -> None:
    model = build(head("image"))
    model.graph.node[2].attribute[0].i = 0
    assert "the last softmax runs along axis 0, not over the 2 classes." in refusal_of(model, tmp_path)


def test_what_onnx_says_is_quoted_on_one_line(tmp_path: Path) -> None:
    text = refusal_of(build([node("Relu", ["image", "image"], ["x"]), *head("x")]), tmp_path)
    assert "the file is not valid ONNX: Node with schema(::Relu:14) has input size 2" in text
    assert "\n" not in text


def test_group_normalisation_is_refused_by_name(tmp_path: Path) -> None:
    ones = numpy_helper.from_array(np.ones(3, np.float32), "ones")
    nodes = [node("GroupNormalization", ["image", "ones", "ones"], ["x"], num_groups=3), *head("x", (2, 3))]
    text = refusal_of(build(nodes, ("N", 3, 8, 8), constants=[ones], opset=21), tmp_path)
    assert "the operator 'GroupNormalization' is not on the list of allowed operators." in text


def test_batch_normalisation_behind_a_convolution_along_a_line_stays(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    kernel, factor = random.normal(size=(3, 3, 3)).astype(np.float32), np.array([0.5, 1, 2], np.float32)
    shape = numpy_helper.from_array(np.array([1, 3, 64]), "line")
    constants = [shape, numpy_helper.from_array(kernel, "taps"), numpy_helper.from_array(factor, "factor")]
    nodes = [
        node("Reshape", ["image", "line"], ["r"]),
        node("Conv", ["r", "taps"], ["c"]),
        node("BatchNormalization", ["c", "factor", "factor", "factor", "factor"], ["b"]),
        *head("b", (2,)),
    ]
    model = build(nodes, (1, 3, 8, 8), constants=constants, output=(1, 2))
    assert run_planes(model, make_image(count=1)) == pytest.approx(
        run_network(convert_here(save(model, tmp_path), make_target("onnx")), make_image(count=1)), abs=1e-6
    )


def test_two_outputs_are_refused(tmp_path: Path) -> None:
    model = build(head("image"))
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2]))
    assert "the network has 1 inputs and 2 outputs, one of each is needed." in refusal_of(model, tmp_path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"PK\x03\x04 not a network")
    with pytest.raises(FindingsError, match="the file is not an ONNX model"):
        convert_here(path, make_target("onnx"))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_changed_file_is_converted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(build(head("image")).SerializeToString())
    for position, byte in changes:
        data[position % len(data)] = byte
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    path.write_bytes(data)
    try:
        convert_here(path, make_target("onnx"))
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right
