"""The numeric gate: what is rebuilt from an ONNX file gives the numbers of the file, or is refused."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import pytest
from onnx import helper

from conversions import convert_here, make_image, make_onnx, make_target, run_network, run_planes
from webipred.convert.comparison import compare_networks
from webipred.convert.target import Activation
from webipred.errors import FindingsError

node = helper.make_node
KERNEL: Final = np.random.default_rng(6).normal(size=(3, 2)).astype(np.float32)
TARGET: Final = make_target("onnx")


def head(source: str) -> list[onnx.NodeProto]:
    return [
        node("GlobalAveragePool", [source], ["pool"]),
        node("Flatten", ["pool"], ["flat"]),
        node("MatMul", ["flat", "kernel"], ["logits"]),
        node("Softmax", ["logits"], ["scores"], axis=1),
    ]


def enlarge(mode: str, factor: float) -> onnx.ModelProto:
    """A network of opset 10, where Resize had no half-pixel centres."""
    factors = np.array([1, 1, factor, factor], np.float32)
    nodes = [
        node("Resize", ["image", "factors"], ["large"], mode=mode),
        node("MaxPool", ["large"], ["x"], kernel_shape=[3, 3], strides=[3, 3]),
        *head("x"),
    ]
    return make_onnx(nodes, {"kernel": KERNEL, "factors": factors}, opset=10)


def save(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def refusal_of(original: Path, network: bytes) -> str:
    with pytest.raises(FindingsError) as caught:
        compare_networks(original, network, TARGET)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("factor", [1.7, 2.0])
def test_an_old_resize_keeps_its_meaning(mode: str, factor: float, tmp_path: Path) -> None:
    model, images = enlarge(mode, factor), make_image()
    found = run_network(convert_here(save(model, tmp_path), TARGET), images)
    assert run_planes(model, images) == pytest.approx(found, abs=1e-6)  # the same operators, another opset


def test_an_operator_that_changes_its_meaning_is_refused(tmp_path: Path) -> None:
    """The runtime rounds up when an old Resize makes an image smaller; no later opset has a word for both."""
    with pytest.raises(FindingsError, match=r"the converted network differs by .*E-CONVERT-DIFFERS"):
        convert_here(save(enlarge("nearest", 0.7), tmp_path), TARGET)


@pytest.mark.parametrize(
    ("activation", "units"), [("none", 1), ("none", 2), ("softmax", 2), ("sigmoid", 1), ("sigmoid", 2)]
)
def test_a_faithful_network_passes_whatever_the_entry_adds(activation: Activation, units: int, tmp_path: Path) -> None:
    last = {"none": "Sigmoid" if units == 1 else "Softmax"}.get(activation, "Identity")
    nodes = [*head("image")[:3], node(last, ["logits"], ["scores"])]
    path = save(make_onnx(nodes, {"kernel": KERNEL[:, :units]}, classes=units), tmp_path)
    assert convert_here(path, make_target("onnx", activation=activation))


def test_other_weights_are_noticed(tmp_path: Path) -> None:
    path = save(make_onnx(head("image"), {"kernel": KERNEL}), tmp_path)
    other = save(make_onnx(head("image"), {"kernel": KERNEL * np.float32(1.01)}), tmp_path, "other.onnx")
    text = refusal_of(path, convert_here(other, TARGET))
    assert "model model.bin: the converted network differs by " in text
    assert "from the file itself for noise in 0 … 1; 0.0001 is allowed." in text


def test_a_saturated_softmax_hides_nothing(tmp_path: Path) -> None:
    kernel = np.array([[1e4, -1e4]] * 3, np.float32)
    path = save(make_onnx(head("image"), {"kernel": kernel}), tmp_path)
    other = save(make_onnx(head("image"), {"kernel": kernel * np.float32(1.01)}), tmp_path, "other.onnx")
    assert "E-CONVERT-DIFFERS" in refusal_of(path, convert_here(other, TARGET))


def test_a_file_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    network = convert_here(save(make_onnx(head("image"), {"kernel": KERNEL}), tmp_path), TARGET)
    broken = save(make_onnx(head("image"), {"kernel": KERNEL.T.copy()}), tmp_path, "broken.onnx")
    text = refusal_of(broken, network)
    assert "the network cannot be run, so nothing shows that it stays the same: " in text
    assert "[E-CONVERT-UNCOMPARED]" in text


def test_a_network_that_gives_nan_only_is_refused(tmp_path: Path) -> None:
    nodes = [
        node("Abs", ["image"], ["size"]),
        node("Neg", ["size"], ["below"]),
        node("Log", ["below"], ["x"]),
        *head("x"),
    ]
    with pytest.raises(FindingsError, match="both networks give nothing but infinity or NaN"):
        convert_here(save(make_onnx(nodes, {"kernel": KERNEL}), tmp_path), TARGET)
