"""Every operation but resize against its formula in numpy."""

from collections.abc import Mapping

import numpy
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_runs import Image, images, run_in_place, run_steps
from webipred.engine.preprocessor import Preprocessor
from webipred.errors import FindingsError

EPSILON = 1e-6


@settings(max_examples=40, deadline=None)
@given(image=images(channels=(3,)))
def test_gray_like_aucmedi_is_the_unrounded_luma(preprocessor: Preprocessor, image: Image) -> None:
    red, green, blue = (image[..., c].astype(float) for c in range(3))
    expected = (0.299 * red + 0.587 * green + 0.114 * blue).astype(numpy.float32)[..., None]
    assert numpy.array_equal(expected, run_in_place(preprocessor, image, {"op": "to_channels", "channels": "gray"}))


@settings(max_examples=40, deadline=None)
@given(image=images(channels=(3,)))
def test_gray_like_pillow_is_that_of_pillow(preprocessor: Preprocessor, image: Image) -> None:
    expected = numpy.asarray(PIL.Image.fromarray(image).convert("L"))[..., None]
    step = {"op": "to_channels", "channels": "gray", "like": "pillow"}
    assert numpy.array_equal(expected, run_in_place(preprocessor, image, step))


def test_gray_becomes_rgb_by_repetition(preprocessor: Preprocessor) -> None:
    image = numpy.arange(6, dtype=numpy.uint8).reshape(2, 3, 1)
    result = run_in_place(preprocessor, image, {"op": "to_channels", "channels": "rgb"})
    assert numpy.array_equal(numpy.repeat(image, 3, axis=2), result)


@settings(max_examples=40, deadline=None)
@given(image=images(), fill=st.integers(0, 255), constant=st.booleans(), floats=st.booleans())
def test_padding_to_a_square_is_that_of_numpy(
    preprocessor: Preprocessor, image: Image, fill: int, constant: bool, floats: bool
) -> None:
    side = max(image.shape[:2])
    margins = [((side - size) // 2, (side - size + 1) // 2) for size in image.shape[:2]]
    step: Mapping[str, object] = {"op": "pad_to_square"}
    expected = numpy.pad(image, [*margins, (0, 0)], mode="edge")
    if constant:
        step = {"op": "pad_to_square", "mode": "constant", "value": fill}
        expected = numpy.pad(image, [*margins, (0, 0)], constant_values=fill)
    before: list[Mapping[str, object]] = [{"op": "rescale"}] if floats else []
    assert numpy.array_equal(expected, run_steps(preprocessor, image, side, side, *before, step))


@settings(max_examples=40, deadline=None)
@given(image=images(), data=st.data())
def test_the_crop_is_the_middle(preprocessor: Preprocessor, image: Image, data: st.DataObject) -> None:
    height, width = (data.draw(st.integers(1, size)) for size in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    result = run_steps(preprocessor, image, height, width, {"op": "crop_center", "height": height, "width": width})
    assert numpy.array_equal(image[top : top + height, left : left + width], result)


@settings(max_examples=40, deadline=None)
@given(image=images(), bounds=st.tuples(st.floats(-300, 300, width=32), st.floats(-300, 300, width=32)))
def test_clip_limits_every_value(preprocessor: Preprocessor, image: Image, bounds: tuple[float, float]) -> None:
    low, high = sorted(bounds)
    result = run_in_place(preprocessor, image, {"op": "clip", "min": low, "max": high})
    assert numpy.array_equal(image.astype(numpy.float32).clip(low, high), result)


@settings(max_examples=40, deadline=None)
@given(image=images(), scale=st.floats(-8, 8), offset=st.floats(-300, 300))
def test_rescale_rounds_twice_in_float32(preprocessor: Preprocessor, image: Image, scale: float, offset: float) -> None:
    result = run_in_place(preprocessor, image, {"op": "rescale", "scale": scale, "offset": offset})
    expected = image.astype(numpy.float32) * numpy.float32(scale) + numpy.float32(offset)
    assert numpy.array_equal(expected, result)


def test_rescale_divides_by_255_as_numpy_does(preprocessor: Preprocessor) -> None:
    image = numpy.arange(256, dtype=numpy.uint8).reshape(16, 16, 1)
    result = run_in_place(preprocessor, image, {"op": "rescale", "divide_by": 255})
    assert numpy.array_equal(image.astype(numpy.float32) / numpy.float32(255), result)


@settings(max_examples=30, deadline=None)
@given(image=images())
def test_z_score_is_that_of_numpy(preprocessor: Preprocessor, image: Image) -> None:
    """Sums in another order than numpy's: one unit in the last place of float32 at most."""
    expected = (image - image.mean() + EPSILON) / (image.std() + EPSILON)
    result = run_in_place(preprocessor, image, {"op": "standardize", "mode": "z-score"})
    assert numpy.allclose(expected, result, rtol=2e-7, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(image=images())
def test_minmax_and_grayscale_are_those_of_numpy(preprocessor: Preprocessor, image: Image) -> None:
    low, high = float(image.min()), float(image.max())
    expected = (image - low + EPSILON) / (high - low + EPSILON)
    result = run_in_place(preprocessor, image, {"op": "standardize", "mode": "minmax"})
    assert numpy.array_equal(expected.astype(numpy.float32), result)
    result = run_in_place(preprocessor, image, {"op": "standardize", "mode": "grayscale"})
    assert numpy.array_equal(numpy.rint(expected * 255), result)


@settings(max_examples=30, deadline=None)
@given(image=images(channels=(3,)))
def test_the_keras_modes_are_those_of_keras_in_float32(preprocessor: Preprocessor, image: Image) -> None:
    values = image.astype(numpy.float32)
    mean, deviation = (
        numpy.array([0.485, 0.456, 0.406], numpy.float32),
        numpy.array([0.229, 0.224, 0.225], numpy.float32),
    )
    expected = {
        "tf": values / numpy.float32(127.5) - numpy.float32(1),
        "torch": (values / numpy.float32(255) - mean) / deviation,
        "caffe": values[..., ::-1] - numpy.array([103.939, 116.779, 123.68], numpy.float32),
        "none": values,
    }
    for mode, wanted in expected.items():
        assert numpy.array_equal(wanted, run_in_place(preprocessor, image, {"op": "standardize", "mode": mode})), mode


@pytest.mark.parametrize("mode", ["tf", "caffe", "torch"])
@pytest.mark.parametrize("offset", [-0.5, 0.5])
def test_the_keras_modes_refuse_values_outside_8_bits(preprocessor: Preprocessor, mode: str, offset: float) -> None:
    image = numpy.array([[[0, 128, 255]]], numpy.uint8)
    with pytest.raises(FindingsError, match="outside 0 to 255") as caught:
        run_in_place(preprocessor, image, {"op": "rescale", "offset": offset}, {"op": "standardize", "mode": mode})
    assert "E-PREPROCESS-RANGE" == caught.value.findings[0].code


def test_a_crop_larger_than_the_image_is_refused(preprocessor: Preprocessor) -> None:
    image = numpy.zeros((9, 20, 1), numpy.uint8)
    with pytest.raises(FindingsError, match="smaller than the part"):
        run_steps(preprocessor, image, 10, 10, {"op": "crop_center", "height": 10, "width": 10})


def test_values_that_are_no_numbers_are_refused(preprocessor: Preprocessor) -> None:
    image = numpy.full((8, 8, 1), 255, numpy.uint8)
    with pytest.raises(FindingsError, match="no finite numbers"):
        run_in_place(preprocessor, image, {"op": "rescale", "scale": 3e38}, {"op": "rescale", "scale": 3e38})
