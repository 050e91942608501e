"""Tails behind softmax and sigmoid: passed on as they are, never activated twice; decisions are no scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from conversions import convert_here, make_image, make_onnx, make_target, run_network, run_planes
from webipred.convert.target import Activation
from webipred.errors import FindingsError

node = helper.make_node
RANDOM: Final = np.random.default_rng(4)
CONSTANTS: Final = {
    "kernel": RANDOM.normal(size=(3, 2)).astype(np.float32),
    "other": RANDOM.normal(size=(3, 2)).astype(np.float32),
    "single": RANDOM.normal(size=(3, 1)).astype(np.float32),
    "low": np.array(1e-7, np.float32),
    "one": np.array(1, np.float32),
    "two": np.array(2, np.float32),
    "last": np.array([1]),
    "order": np.array([1, 0]),
}
POOL: Final = [node("GlobalAveragePool", ["image"], ["pool"]), node("Flatten", ["pool"], ["flat"])]
LOGITS: Final = [*POOL, node("MatMul", ["flat", "kernel"], ["logits"])]
SOFTMAX: Final = [*LOGITS, node("Softmax", ["logits"], ["p"], axis=1)]
SIGMOID: Final = [*POOL, node("MatMul", ["flat", "single"], ["logit"]), node("Sigmoid", ["logit"], ["p"])]
HEADS: Final = [
    *SIGMOID,
    node("MatMul", ["flat", "other"], ["logits.q"]),
    node("Sigmoid", ["logits.q"], ["q"]),
    node("Gather", ["q", "last"], ["r"], axis=1),
]
PROBABILITIES: Final = {
    "clipped": [*SOFTMAX, node("Clip", ["p", "low", "one"], ["scores"])],
    "reordered": [*SOFTMAX, node("Gather", ["p", "order"], ["scores"], axis=1)],
    "averaged": [
        *SOFTMAX,
        node("MatMul", ["flat", "other"], ["logits.q"]),
        node("Softmax", ["logits.q"], ["q"], axis=1),
        node("Add", ["p", "q"], ["sum"]),
        node("Div", ["sum", "two"], ["scores"]),
    ],
    "complemented": [*SIGMOID, node("Sub", ["one", "p"], ["q"]), node("Concat", ["q", "p"], ["scores"], axis=1)],
    "several heads": [*HEADS, node("Concat", ["p", "r"], ["scores"], axis=1)],
    "spelled out": [
        *LOGITS,
        node("Exp", ["logits"], ["e"]),
        node("ReduceSum", ["e", "last"], ["z"], keepdims=1),
        node("Div", ["e", "z"], ["scores"]),
    ],
    "without logarithm": [
        *LOGITS,
        node("LogSoftmax", ["logits"], ["log"], axis=1),
        node("Exp", ["log"], ["scores"]),
    ],
}  # fmt: skip


def write(tmp_path: Path, nodes: Sequence[onnx.NodeProto], classes: int = 2) -> tuple[onnx.ModelProto, Path]:
    model = make_onnx(nodes, CONSTANTS, classes=classes)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return model, path


def refusal_of(tmp_path: Path, nodes: Sequence[onnx.NodeProto], activation: Activation, classes: int = 2) -> str:
    _, path = write(tmp_path, nodes, classes)
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("onnx", activation=activation))
    return str(caught.value)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("tail", PROBABILITIES)
def test_probabilities_are_not_activated_again(tail: str, activation: Activation, tmp_path: Path) -> None:
    text = refusal_of(tmp_path, PROBABILITIES[tail], activation)
    assert "model model.bin: the network already " in text
    assert f"and the entry adds {activation}. Set output.activation: none. [E-CONVERT-ACTIVATION-TWICE]" in text


@pytest.mark.parametrize("tail", PROBABILITIES)
def test_probabilities_in_any_arrangement_are_passed_on(tail: str, tmp_path: Path) -> None:
    images = make_image()
    model, path = write(tmp_path, PROBABILITIES[tail])
    found = run_network(convert_here(path, make_target("onnx")), images)
    assert run_planes(model, images) == pytest.approx(found, abs=1e-6)  # the same operators, another opset


def test_the_refusal_names_what_stands_behind_the_activation(tmp_path: Path) -> None:
    expected = "the network already applies Softmax before its last nodes (Clip), and the entry adds sigmoid."
    assert expected in refusal_of(tmp_path, PROBABILITIES["clipped"], "sigmoid")


@pytest.mark.parametrize("gated", ["backbone", "behind the last convolution"])
def test_a_swish_is_no_last_activation(gated: str, tmp_path: Path) -> None:
    swish = [node("Sigmoid", ["x"], ["g"]), node("Mul", ["x", "g"], ["y"])]
    if gated == "backbone":
        nodes = [node("Neg", ["image"], ["x"]), *swish, node("GlobalAveragePool", ["y"], ["pool"]), *LOGITS[1:]]
    else:
        nodes = [
            node("Transpose", ["image"], ["t"], perm=[0, 2, 3, 1]),
            node("MatMul", ["t", "kernel"], ["x"]),
            *swish,
            node("Transpose", ["y"], ["u"], perm=[0, 3, 1, 2]),
            node("GlobalAveragePool", ["u"], ["pool"]),
            node("Flatten", ["pool"], ["logits"]),
        ]
    nodes = [*nodes, node("Identity", ["logits"], ["scores"])]
    images = make_image()
    model, path = write(tmp_path, nodes)
    found = run_network(convert_here(path, make_target("onnx", activation="softmax")), images)
    exponents = np.exp(run_planes(model, images))
    assert exponents / exponents.sum(axis=1, keepdims=True) == pytest.approx(found, abs=1e-6)


def test_softmax_undoes_a_logarithm(tmp_path: Path) -> None:
    images = make_image()
    model, _ = write(tmp_path, [*LOGITS, node("Softmax", ["logits"], ["scores"], axis=1)])
    _, path = write(tmp_path, [*LOGITS, node("LogSoftmax", ["logits"], ["scores"], axis=1)])
    found = run_network(convert_here(path, make_target("onnx", activation="softmax")), images)
    assert run_planes(model, images) == pytest.approx(found, abs=1e-6)


def test_sigmoid_does_not_undo_a_logarithm(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, [*LOGITS, node("LogSoftmax", ["logits"], ["scores"], axis=1)], "sigmoid")
    assert "Set output.activation: softmax, which undoes the logarithm. [E-CONVERT-ACTIVATION-TWICE]" in text


@pytest.mark.parametrize(
    "nodes",
    [
        [*LOGITS, node("LogSoftmax", ["logits"], ["scores"], axis=1)],
        [*LOGITS, node("Tanh", ["logits"], ["scores"])],
        [*LOGITS, node("Exp", ["logits"], ["scores"])],
    ],
)
def test_the_advice_for_other_ends_does_not_guess(nodes: list[onnx.NodeProto], tmp_path: Path) -> None:
    text = refusal_of(tmp_path, nodes, "none")
    assert f"the network ends in {nodes[-1].op_type}, which gives no probabilities" in text
    assert "If the network gives logits, set output.activation to softmax or sigmoid" in text


def test_probabilities_that_are_mixed_with_logits_are_refused(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, [*SOFTMAX, node("Add", ["p", "logits"], ["scores"])], "none")
    assert "the network ends in Add, which joins Softmax with numbers that are no probabilities." in text


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
@pytest.mark.parametrize("source", [LOGITS, SOFTMAX])
def test_the_number_of_a_class_is_no_score(
    source: list[onnx.NodeProto], activation: Activation, tmp_path: Path
) -> None:
    tail = [
        node("ArgMax", [source[-1].output[0]], ["number"], axis=1, keepdims=1),
        node("Cast", ["number"], ["scores"], to=TensorProto.FLOAT),
    ]
    text = refusal_of(tmp_path, [*source, *tail], activation, classes=1)
    assert "the network gives the number of one class (ArgMax), not the scores of all classes." in text


def test_rounded_scores_are_refused(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, [*SOFTMAX, node("Round", ["p"], ["scores"])], "none")
    assert "the network compares or rounds its scores at the end (Round)." in text


def test_a_network_that_gives_integers_is_refused_as_such(tmp_path: Path) -> None:
    model, path = write(tmp_path, [*LOGITS, node("ArgMax", ["logits"], ["scores"], axis=1, keepdims=1)], 1)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FindingsError, match="the network gives int64 numbers, as decisions are; scores are float"):
        convert_here(path, make_target("onnx"))


def test_a_softmax_over_the_batch_before_other_nodes_is_refused(tmp_path: Path) -> None:
    nodes = [*LOGITS, node("Softmax", ["logits"], ["p"], axis=0), PROBABILITIES["clipped"][-1]]
    assert "the last softmax runs along axis 0, not over the 2 classes." in refusal_of(tmp_path, nodes, "none")
