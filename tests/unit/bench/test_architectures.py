"""The reference architectures: the published sizes, the same bytes each time, answers that can be compared."""

import math

import numpy as np
import onnx
import pytest

from networks import run_reference
from webipred.bench.architectures import ARCHITECTURES
from webipred.bench.subjects import draw_references, select_architectures
from webipred.errors import UsageError

PARAMETERS = {"MobileNetV2": 2.2e6, "DenseNet121": 7.0e6, "ResNet50": 23.5e6, "EfficientNet-B0": 4.0e6}
"""Without the head of 1000 classes: 3.5, 8.0, 25.6 and 5.3 million less 1000 weights a feature."""


def count_parameters(data: bytes) -> int:
    model = onnx.load_from_string(data)
    return sum(math.prod(constant.dims) for constant in model.graph.initializer)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_each_has_the_published_number_of_parameters(name: str) -> None:
    assert math.isclose(PARAMETERS[name], count_parameters(ARCHITECTURES[name]()), rel_tol=0.02)


def test_drawing_twice_gives_the_same_bytes() -> None:
    assert ARCHITECTURES["MobileNetV2"]() == ARCHITECTURES["MobileNetV2"]()


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNet-B0"])  # the small ones; the bench itself runs all
def test_answers_are_neither_flat_nor_saturated(name: str) -> None:
    subject = next(draw_references([name]))
    answer = run_reference(subject.model, subject.make_image())[0]
    assert 0.02 < np.ptp(answer)
    assert answer.max() < 0.95


def test_each_has_a_plan() -> None:
    subject = next(draw_references(["MobileNetV2"]))
    assert subject.plan is not None
    assert "" == subject.obstacle


def test_names_are_found_in_any_case() -> None:
    assert ("DenseNet121", "EfficientNet-B0") == select_architectures(["densenet121", "EFFICIENTNET-B0"])


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no reference architecture 'AlexNet'; there are MobileNetV2, DenseNet121"):
        select_architectures(["AlexNet"])
