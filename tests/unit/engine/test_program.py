"""Compiling steps: the bytes, the refusals and the sentences."""

import struct
from collections.abc import Mapping

import pytest

from engine_runs import STEPS
from webipred.catalog.preprocessing import InputSpec, Step
from webipred.engine.program import compile_program, describe_steps, encode_program, read_result_shape
from webipred.errors import FindingsError

RGB = InputSpec(width=24, height=16)
GRAY = InputSpec(width=24, height=16, channels="gray")
RESIZE: Mapping[str, object] = {"op": "resize"}


def parse(*steps: Mapping[str, object]) -> list[Step]:
    return STEPS.validate_python(list(steps))


def compile_codes(spec: InputSpec, *steps: Mapping[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(FindingsError) as caught:
        compile_program(parse(*steps), spec)
    return [(finding.code, finding.where) for finding in caught.value.findings]


def test_the_header_states_the_network_input() -> None:
    program = compile_program(parse(RESIZE, {"op": "standardize", "mode": "torch"}), RGB)
    assert b"WPRE" + struct.pack("<7I", 1, 2, 3, 16, 24, 3, 0) == program[:32]
    assert (16, 24, 3) == read_result_shape(program)


def test_each_step_is_a_record_of_32_bytes() -> None:
    steps = parse(
        {"op": "to_channels", "channels": "gray", "like": "pillow"},
        {"op": "pad_to_square", "mode": "constant", "value": 7},
        {"op": "crop_center", "width": 5, "height": 6},
        {"op": "resize", "method": "bicubic", "like": "pillow", "pass_order": "horizontal-first"},
        {"op": "clip", "min": 1, "max": 200.5},
        {"op": "rescale", "divide_by": 255, "offset": 0.5},
        {"op": "standardize", "mode": "minmax"},
    )
    expected = [
        struct.pack("<3I", 1, 1, 1),
        struct.pack("<IIf", 2, 1, 7),
        struct.pack("<3I", 3, 6, 5),
        struct.pack("<7I", 4, 16, 24, 2, 1, 0, 1),
        struct.pack("<Iff", 5, 1, 200.5),
        struct.pack("<IIff", 6, 1, 255, 0.5),
        struct.pack("<II", 7, 2),
    ]
    program = compile_program(steps, RGB)
    assert b"".join(record.ljust(32, b"\0") for record in expected) == program[32:]


def test_the_channels_after_the_last_step_are_those_of_the_network() -> None:
    program = compile_program(parse({"op": "to_channels", "channels": "rgb"}, RESIZE), GRAY)
    assert (16, 24, 3) == read_result_shape(program)


def test_steps_that_can_never_work_are_all_named() -> None:
    codes = compile_codes(
        GRAY,
        {"op": "pad_to_square", "mode": "constant", "value": 0.5},
        {"op": "standardize", "mode": "caffe"},
        {"op": "resize", "width": 8, "height": 8},
        {"op": "crop_center", "width": 9, "height": 8},
    )
    assert [
        ("E-PREPROCESS-TYPE", "preprocessing[0]"),
        ("E-PREPROCESS-CHANNELS", "preprocessing[1]"),
        ("E-PREPROCESS-CROP", "preprocessing[3]"),
        ("E-PREPROCESS-SHAPE", "preprocessing"),
    ] == codes


def test_pillows_gray_needs_8_bit_values() -> None:
    luma = {"op": "to_channels", "channels": "gray", "like": "pillow"}
    assert [("E-PREPROCESS-TYPE", "preprocessing[1]")] == compile_codes(RGB, {"op": "rescale"}, luma)


def test_a_size_that_the_network_does_not_take_is_named() -> None:
    with pytest.raises(FindingsError, match="end in 8×9 pixels, but the network takes 24×16"):
        compile_program(parse({"op": "resize", "width": 8, "height": 9}), RGB)


def test_too_many_steps_are_refused() -> None:
    assert [("E-PREPROCESS-PROGRAM", "preprocessing")] == compile_codes(RGB, *[{"op": "rescale"}] * 33)


@pytest.mark.parametrize("step", [{"scale": 1e39}, {"offset": -1e39}, {"divide_by": 1e-50}])
def test_numbers_beyond_float32_are_refused(step: Mapping[str, object]) -> None:
    assert [("E-PREPROCESS-PROGRAM", "preprocessing[0]")] == compile_codes(RGB, {"op": "rescale", **step})


def test_the_sentences_tell_the_chain() -> None:
    steps = parse(
        {"op": "to_channels", "channels": "gray"},
        {"op": "to_channels", "channels": "rgb"},
        {"op": "pad_to_square"},
        {"op": "crop_center", "width": 30, "height": 20},
        {"op": "resize", "like": "pillow"},
        {"op": "clip", "min": 0, "max": 255},
        {"op": "rescale", "divide_by": 255, "offset": -0.5},
        {"op": "standardize", "mode": "none"},
    )
    assert [
        "Decode the file to 8-bit pixels with three channels (red, green, blue).",
        "Mix red, green and blue to gray as AUCMEDI does; gray stays as it is.",
        "Repeat a gray channel three times; colour stays as it is.",
        "Pad the shorter side with the border pixels to a square.",
        "Cut out the middle, 30×20 pixels.",
        "Resize to 24×16 pixels, bilinear interpolation as in Pillow (passes as in Pillow 13).",
        "Limit every value to 0 … 255.",
        "Divide every value by 255 and add -0.5.",
        "Use the values as they are.",
    ] == describe_steps(steps, RGB)


def test_programs_are_the_same_bytes_every_time() -> None:
    steps = parse(RESIZE, {"op": "standardize", "mode": "tf"})
    assert compile_program(steps, RGB) == encode_program(steps, image_channels=3, height=16, width=24)
