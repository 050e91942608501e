"""Resizing against OpenCV, Pillow and TensorFlow, and against numpy twins where no library is at hand."""

import json
from pathlib import Path

import cv2
import numpy
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine_runs import SIDES, Image, images, run_steps
from webipred.engine.preprocessor import Preprocessor
from webipred.errors import FindingsError

DATA = Path(__file__).parents[2] / "data"
OPENCV = {
    "bilinear": cv2.INTER_LINEAR,
    "nearest": cv2.INTER_NEAREST,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}
PILLOW = {
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "nearest": PIL.Image.Resampling.NEAREST,
    "bicubic": PIL.Image.Resampling.BICUBIC,
}
FLOATS = {"op": "rescale"}


def resize(engine: Preprocessor, image: Image, height: int, width: int, **rule: object) -> NDArray[numpy.float32]:
    return run_steps(engine, image, height, width, {"op": "resize", "height": height, "width": width, **rule})


def resize_floats(
    engine: Preprocessor, image: Image, height: int, width: int, **rule: object
) -> NDArray[numpy.float32]:
    step = {"op": "resize", "height": height, "width": width, **rule}
    return run_steps(engine, image, height, width, FLOATS, step)


def ask_opencv(
    image: NDArray[numpy.uint8] | NDArray[numpy.float32], height: int, width: int, method: str
) -> NDArray[numpy.float64]:
    resized = cv2.resize(image, (width, height), interpolation=OPENCV[method])
    return numpy.asarray(resized, numpy.float64).reshape(height, width, image.shape[2])


def ask_pillow(image: NDArray[numpy.generic], height: int, width: int, method: str) -> NDArray[numpy.float64]:
    flat = image[..., 0] if image.shape[2] == 1 else image
    resized = PIL.Image.fromarray(flat).resize((width, height), PILLOW[method])
    return numpy.asarray(resized, numpy.float64).reshape(height, width, image.shape[2])


def is_pillow_13() -> bool:
    return int(PIL.__version__.split(".")[0]) >= 13


@settings(max_examples=150, deadline=None)
@given(image=images(), height=SIDES, width=SIDES, method=st.sampled_from(["bilinear", "nearest", "area"]))
def test_8_bit_resizing_is_that_of_opencv_to_the_bit(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    result = resize(preprocessor, image, height, width, method=method)
    assert numpy.array_equal(ask_opencv(image, height, width, method), result)


@settings(max_examples=60, deadline=None)
@given(
    image=images(),
    factors=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    method=st.sampled_from(["bilinear", "area"]),
)
def test_whole_factors_take_opencvs_short_path(
    preprocessor: Preprocessor, image: Image, factors: tuple[int, int], method: str
) -> None:
    height, width = image.shape[:2]
    larger = numpy.ascontiguousarray(numpy.tile(image, (*factors, 1)))
    result = resize(preprocessor, larger, height, width, method=method)
    assert numpy.array_equal(ask_opencv(larger, height, width, method), result)


@settings(max_examples=100, deadline=None)
@given(image=images(), height=SIDES, width=SIDES)
def test_8_bit_bicubic_is_that_of_opencv_but_for_near_ties(
    preprocessor: Preprocessor, image: Image, height: int, width: int
) -> None:
    """OpenCV's own result depends on the processor (IPP): about 5 of 10^6 pixels of noise differ, by one level."""
    result = resize(preprocessor, image, height, width, method="bicubic")
    difference = numpy.abs(ask_opencv(image, height, width, "bicubic") - result)
    assert difference.max() <= 1
    if cv2.ipp.useIPP():
        assert (difference > 0).sum() <= max(3, 1e-3 * difference.size)


@settings(max_examples=60, deadline=None)
@given(image=images(), height=SIDES, width=SIDES)
def test_8_bit_bicubic_is_the_documented_formula_to_the_bit(
    preprocessor: Preprocessor, image: Image, height: int, width: int
) -> None:
    if min(image.shape[:2]) < 4 or image.shape[:2] == (height, width):
        return
    result = resize(preprocessor, image, height, width, method="bicubic")
    assert numpy.array_equal(twin_cubic(image, height, width), result)


def twin_cubic(image: Image, height: int, width: int) -> NDArray[numpy.float32]:
    """docs/preprocessing.md, "OpenCV bicubic"."""
    columns, across = twin_cubic_taps(image.shape[1], width)
    rows, down = twin_cubic_taps(image.shape[0], height)
    values = image.astype(numpy.float32)
    total = values[:, columns[:, 0]] * across[:, 0, None]
    for k in (1, 2, 3):
        total = fuse(values[:, columns[:, k]], across[:, k, None], total)
    first, second, third, fourth = (total[rows[:, k]] for k in range(4))
    weights = [down[:, k, None, None] for k in range(4)]
    mixed = fuse(first, weights[0], second * weights[1]) + fuse(third, weights[2], fourth * weights[3])
    limited: NDArray[numpy.float32] = numpy.rint(mixed).clip(0, 255)
    return limited


def fuse(
    left: NDArray[numpy.float32], right: NDArray[numpy.float32], added: NDArray[numpy.float32]
) -> NDArray[numpy.float32]:
    return (left.astype(numpy.float64) * right + added).astype(numpy.float32)


def twin_cubic_taps(n: int, m: int) -> tuple[NDArray[numpy.int64], NDArray[numpy.float32]]:
    x = (numpy.arange(m) + 0.5) * (n / m) - 0.5
    i = numpy.floor(x)
    t = ((numpy.float32(1) + (x - i).astype(numpy.float32)) - numpy.float32(1)).astype(numpy.float64)
    u = 1 - t
    weights = [-0.75 * t * u * u, (1.25 * t - 2.25) * t * t + 1, (1.25 * u - 2.25) * u * u + 1, -0.75 * u * t * t]
    sources = (i.astype(int)[:, None] + numpy.arange(-1, 3)).clip(0, n - 1)
    return sources, numpy.stack(weights, 1).astype(numpy.float32)


@settings(max_examples=100, deadline=None)
@given(image=images(), height=SIDES, width=SIDES, method=st.sampled_from(sorted(PILLOW)))
def test_8_bit_resizing_is_that_of_pillow_to_the_bit(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    order = "pillow-13" if is_pillow_13() else "horizontal-first"
    if not is_pillow_13() and image.shape[0] > 100 * image.shape[1]:
        return
    result = resize(preprocessor, image, height, width, like="pillow", method=method, pass_order=order)
    assert numpy.array_equal(ask_pillow(image, height, width, method), result)


@settings(max_examples=60, deadline=None)
@given(image=images(channels=(1,)), height=SIDES, width=SIDES, method=st.sampled_from(["bilinear", "bicubic", "area"]))
def test_float_resizing_is_that_of_opencv_within_a_fiftieth_of_a_level(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    """OpenCV's builds differ by up to 0.011 among themselves (reference: preprocessing, float32)."""
    result = resize_floats(preprocessor, image, height, width, method=method)
    expected = ask_opencv(image.astype(numpy.float32), height, width, method)
    assert numpy.abs(expected - result).max() <= 0.02


@settings(max_examples=60, deadline=None)
@given(image=images(channels=(1,)), height=SIDES, width=SIDES, method=st.sampled_from(sorted(PILLOW)))
def test_float_resizing_is_that_of_pillows_mode_f_to_the_bit(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    order = "pillow-13" if is_pillow_13() else "horizontal-first"
    if not is_pillow_13() and image.shape[0] > 100 * image.shape[1]:
        return
    result = resize_floats(preprocessor, image, height, width, like="pillow", method=method, pass_order=order)
    assert numpy.array_equal(ask_pillow(image.astype(numpy.float32), height, width, method), result)


@settings(max_examples=40, deadline=None)
@given(image=images(channels=(1,)), height=SIDES, width=SIDES, method=st.sampled_from(["bilinear", "bicubic"]))
def test_torch_without_antialias_is_the_float_formula_of_opencv(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    """The same taps and a = -0.75; float32 against float64 coordinates explains up to 0.02 levels."""
    result = resize(preprocessor, image, height, width, like="torch", method=method)
    expected = ask_opencv(image.astype(numpy.float32), height, width, method)
    assert numpy.abs(expected - result).max() <= 0.02


@settings(max_examples=40, deadline=None)
@given(image=images(channels=(1,)), height=SIDES, width=SIDES, method=st.sampled_from(["bilinear", "bicubic"]))
def test_torch_with_antialias_is_the_float_filter_of_pillow(
    preprocessor: Preprocessor, image: Image, height: int, width: int, method: str
) -> None:
    """float32 sums against float64 ones: up to 2e-4 levels on 90 taps."""
    result = resize(preprocessor, image, height, width, like="torch", method=method, antialias=True)
    expected = ask_pillow(image.astype(numpy.float32), height, width, method)
    assert numpy.abs(expected - result).max() <= 1e-3


@settings(max_examples=40, deadline=None)
@given(image=images(), height=SIDES, width=SIDES)
def test_torch_nearest_takes_the_floor_of_the_scaled_index(
    preprocessor: Preprocessor, image: Image, height: int, width: int
) -> None:
    def pick(n: int, m: int) -> NDArray[numpy.int64]:
        scale = numpy.float32(n) / numpy.float32(m)
        found: NDArray[numpy.int64] = (
            numpy.floor(numpy.arange(m, dtype=numpy.float32) * scale).astype(int).clip(0, n - 1)
        )
        return found

    result = resize(preprocessor, image, height, width, like="torch", method="nearest")
    expected = image[pick(image.shape[0], height)][:, pick(image.shape[1], width)]
    assert numpy.array_equal(expected, result)


def list_tensorflow_cases() -> list[dict[str, object]]:
    cases = json.loads((DATA / "tensorflow_resize.json").read_text(encoding="utf-8"))["cases"]
    assert isinstance(cases, list)
    return cases


@pytest.mark.parametrize("case", list_tensorflow_cases(), ids=lambda case: f"{case['method']}-{case['antialias']}")
def test_resizing_is_that_of_tensorflow(preprocessor: Preprocessor, case: dict[str, object]) -> None:
    """float32 sums in another order: up to 3e-4 levels (expected values are rounded to 1e-4)."""
    image, expected = numpy.array(case["input"], numpy.uint8), numpy.array(case["expected"])
    height, width = expected.shape[:2]
    method, antialias = case["method"], case["antialias"]
    result = resize(preprocessor, image, height, width, like="tensorflow", method=method, antialias=antialias)
    assert numpy.abs(expected - result).max() <= 5e-4


def test_an_image_of_the_right_size_stays_as_it_is(preprocessor: Preprocessor) -> None:
    image = numpy.arange(64 * 3, dtype=numpy.uint8).reshape(8, 8, 3)
    for like in ("opencv", "pillow", "tensorflow", "torch"):
        for method in ("bilinear", "nearest", "bicubic"):
            assert numpy.array_equal(image, resize(preprocessor, image, 8, 8, like=like, method=method))


def test_a_very_narrow_image_is_refused_where_a_pass_would_grow_over_the_budget(preprocessor: Preprocessor) -> None:
    image = numpy.zeros((60_000, 1, 1), numpy.uint8)
    with pytest.raises(FindingsError, match="64 million pixels out of this one"):
        resize(preprocessor, image, 8, 4096, like="pillow", pass_order="horizontal-first")  # noqa: S106
