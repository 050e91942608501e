"""Compile preprocessing steps into the binary program that the engine runs; docs/preprocessor.md states the format.

The compiler follows the type of the values, the channels and the size through the chain, so that a chain that can never
work is refused while the catalog is checked and not when a clinician drops an image.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from webipred.catalog.preprocessing import (
    Clip,
    CropCenter,
    InputSpec,
    PadToSquare,
    Rescale,
    Resize,
    Standardize,
    Step,
    ToChannels,
)
from webipred.errors import FindingsError
from webipred.findings import Finding

MAGIC: Final = b"WPRE"
FORMAT_VERSION: Final = 1
MAX_STEPS: Final = 32
MAX_SIDE: Final = 4096
HEADER: Final = struct.Struct("<4s7I")
RECORD: Final = struct.Struct("<I28s")

CHANNELS: Final = {"gray": 1, "rgb": 3}
LUMAS: Final = {"aucmedi": 0, "pillow": 1}
PADDINGS: Final = {"edge": 0, "constant": 1}
METHODS: Final = {"bilinear": 0, "nearest": 1, "bicubic": 2, "area": 3}
LIBRARIES: Final = {"opencv": 0, "pillow": 1, "tensorflow": 2, "torch": 3}
PASS_ORDERS: Final = {"pillow-13": 0, "horizontal-first": 1}
MODES: Final = {"none": 0, "z-score": 1, "minmax": 2, "grayscale": 3, "tf": 4, "caffe": 5, "torch": 6}

LARGEST_FLOAT32: Final = 3.4028234663852886e38

LIBRARY_NAMES: Final = {
    "aucmedi": "AUCMEDI",
    "opencv": "OpenCV",
    "pillow": "Pillow",
    "tensorflow": "TensorFlow",
    "torch": "PyTorch",
}

MODE_SENTENCES: Final = {
    "none": "Use the values as they are.",
    "z-score": "Subtract the image's mean and divide by its standard deviation (z-score).",
    "minmax": "Scale the image's smallest value to 0 and its largest to 1 (minmax).",
    "grayscale": "Scale the image's smallest value to 0 and its largest to 255, rounded (grayscale).",
    "tf": "Divide by 127.5 and subtract 1, so that values run from −1 to 1 (tf).",
    "caffe": "Put the channels in the order blue, green, red and subtract the ImageNet means (caffe).",
    "torch": "Divide by 255, subtract the ImageNet means and divide by the ImageNet deviations (torch).",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What is known of the image between two steps; a size of None depends on the file."""

    is_bytes: bool
    channels: int
    size: tuple[int, int] | None


def compile_program(steps: Sequence[Step], input_spec: InputSpec) -> bytes:
    """Return the program that turns a decoded image (height, width, 3 or 1; uint8) into the network's input.

    The result is float32, (input_spec.height, input_spec.width, channels), where the channels are those after the last
    step. Raises FindingsError with every step that can never work (E-PREPROCESS-…).
    """
    return encode_program(
        steps,
        image_channels=CHANNELS[input_spec.channels],
        height=input_spec.height,
        width=input_spec.width,
    )


def encode_program(steps: Sequence[Step], *, image_channels: int, height: int, width: int) -> bytes:
    """Compile for any image channels (1 or 3) and result size (1–4096), as the golden cases need it."""
    shape = _Shape(is_bytes=True, channels=image_channels, size=None)
    findings: list[Finding] = []
    records: list[bytes] = []
    if len(steps) > MAX_STEPS:
        findings.append(_refuse_length(len(steps)))
    for number, step in enumerate(steps):
        where = f"preprocessing[{number}]"
        findings.extend(_check_step(step, shape, where))
        operation, parameters = _encode_step(step, height, width)
        records.append(RECORD.pack(operation, parameters.ljust(28, b"\0")))
        shape = _follow_step(step, shape, height, width)
    if shape.size not in (None, (height, width)):
        findings.append(_refuse_size(shape.size, height, width))
    if findings:
        raise FindingsError(findings)
    header = HEADER.pack(MAGIC, FORMAT_VERSION, len(steps), image_channels, height, width, shape.channels, 0)
    return header + b"".join(records)


def read_result_shape(program: bytes) -> tuple[int, int, int]:
    """Return (height, width, channels) of the tensor that `program` makes."""
    _, _, _, _, height, width, channels, _ = HEADER.unpack_from(program)
    return height, width, channels


def describe_steps(steps: Sequence[Step], input_spec: InputSpec) -> list[str]:
    """Return one English sentence per stage, the decoding first, for model cards and reports."""
    colour = "three channels (red, green, blue)" if input_spec.channels == "rgb" else "one gray channel (Pillow's L)"
    sentences = [f"Decode the file to 8-bit pixels with {colour}."]
    return sentences + [_describe_step(step, input_spec) for step in steps]


def _describe_step(step: Step, input_spec: InputSpec) -> str:
    match step:
        case ToChannels(channels="rgb"):
            return "Repeat a gray channel three times; colour stays as it is."
        case ToChannels():
            return f"Mix red, green and blue to gray as {LIBRARY_NAMES[step.like]} does; gray stays as it is."
        case PadToSquare():
            fill = "the border pixels" if step.mode == "edge" else f"the value {step.value:g}"
            return f"Pad the shorter side with {fill} to a square."
        case CropCenter():
            return f"Cut out the middle, {step.width}×{step.height} pixels."
        case Resize():
            return _describe_resize(step, input_spec)
        case Clip():
            return f"Limit every value to {step.min:g} … {step.max:g}."
        case Rescale():
            factor = f"Multiply every value by {step.scale:.9g}"
            if step.divide_by is not None:
                factor = f"Divide every value by {step.divide_by:.9g}"
            return f"{factor} and add {step.offset:.9g}." if step.offset else f"{factor}."
        case Standardize():
            return MODE_SENTENCES[step.mode]
        case _:
            assert_never(step)


def _describe_resize(step: Resize, input_spec: InputSpec) -> str:
    size = _name_size((step.height or input_spec.height, step.width or input_spec.width))
    detail = " with antialiasing" if step.antialias else ""
    if step.like == "pillow" and step.method in ("bilinear", "bicubic"):
        detail = " (passes as in Pillow 13)" if step.pass_order == "pillow-13" else " (horizontal pass first)"
    return f"Resize to {size} pixels, {step.method} interpolation as in {LIBRARY_NAMES[step.like]}{detail}."


def _encode_step(step: Step, height: int, width: int) -> tuple[int, bytes]:
    match step:
        case ToChannels():
            return 1, struct.pack("<2I", CHANNELS[step.channels], LUMAS[step.like])
        case PadToSquare():
            return 2, struct.pack("<If", PADDINGS[step.mode], step.value if step.mode == "constant" else 0.0)
        case CropCenter():
            return 3, struct.pack("<2I", step.height, step.width)
        case Resize():
            return 4, _encode_resize(step, height, width)
        case Clip():
            return 5, struct.pack("<2f", _limit_float(step.min), _limit_float(step.max))
        case Rescale():
            factor = step.scale if step.divide_by is None else step.divide_by
            is_divisor = int(step.divide_by is not None)
            return 6, struct.pack("<I2f", is_divisor, _limit_float(factor), _limit_float(step.offset))
        case Standardize():
            return 7, struct.pack("<I", MODES[step.mode])
        case _:
            assert_never(step)


def _limit_float(value: float) -> float:
    """Keep a number within float32; a bound of clip beyond it limits nothing more than the largest float32 does."""
    return max(-LARGEST_FLOAT32, min(LARGEST_FLOAT32, value))


def _encode_resize(step: Resize, height: int, width: int) -> bytes:
    order = PASS_ORDERS[step.pass_order] if step.like == "pillow" else 0
    method, library = METHODS[step.method], LIBRARIES[step.like]
    return struct.pack("<6I", step.height or height, step.width or width, method, library, step.antialias, order)


def _follow_step(step: Step, shape: _Shape, height: int, width: int) -> _Shape:
    """Return the shape after a step, as the engine's C code makes it."""
    is_bytes, channels, size = shape.is_bytes, shape.channels, shape.size
    match step:
        case ToChannels():
            target = CHANNELS[step.channels]
            is_bytes = is_bytes and (channels == target or target == 3 or step.like == "pillow")
            channels = target
        case PadToSquare():
            size = (max(size), max(size)) if size else None
        case CropCenter():
            size = (step.height, step.width)
        case Resize():
            size = (step.height or height, step.width or width)
            is_bytes = is_bytes and (step.method == "nearest" or step.like in ("opencv", "pillow"))
        case Clip():
            is_bytes = is_bytes and _clips_to_bytes(step)
        case Rescale() | Standardize():
            is_bytes = False
        case _:
            assert_never(step)
    return _Shape(is_bytes=is_bytes, channels=channels, size=size)


def _clips_to_bytes(step: Clip) -> bool:
    low_fits = step.min <= 0 or step.min.is_integer()
    high_fits = step.max >= 255 or step.max.is_integer()
    return step.min <= 255 and step.max >= 0 and low_fits and high_fits


def _check_step(step: Step, shape: _Shape, where: str) -> list[Finding]:
    """Return what can never work in this place, whatever the image."""
    match step:
        case ToChannels(like="pillow", channels="gray") if shape.channels == 3 and not shape.is_bytes:
            what = "like: pillow mixes 8-bit values, but the values are floats here."
            return [_finding("E-PREPROCESS-TYPE", where, what, "Move the step up or use like: aucmedi.")]
        case PadToSquare(mode="constant") if shape.is_bytes and not step.value.is_integer():
            what = f"value {step.value} is no whole number, but the image holds 8-bit values here."
            return [_finding("E-PREPROCESS-TYPE", where, what, "Use a whole number or move the step down.")]
        case Standardize(mode="caffe" | "torch") if shape.channels != 3:
            what = f"mode {step.mode} needs three channels, but the image has one here."
            return [
                Finding(code="E-PREPROCESS-CHANNELS", where=where, what=what, fix="Add to_channels: rgb before it.")
            ]
        case Rescale() if not _fits_float32(step):
            what = "a number of rescale is too large or too small for 32-bit floats."
            return [
                Finding(code="E-PREPROCESS-PROGRAM", where=where, what=what, fix="Check the factor and the offset.")
            ]
        case CropCenter() if shape.size and (shape.size[0] < step.height or shape.size[1] < step.width):
            what = (
                f"the crop {step.width}×{step.height} does not fit into the {_name_size(shape.size)} image before it."
            )
            return [Finding(code="E-PREPROCESS-CROP", where=where, what=what, fix="Resize to more before the crop.")]
        case _:
            return []


def _fits_float32(step: Rescale) -> bool:
    numbers = (step.scale, step.offset) if step.divide_by is None else (step.divide_by, step.offset)
    divides_by_nothing = step.divide_by is not None and struct.pack("<f", min(step.divide_by, 1.0)) == bytes(4)
    return all(abs(number) <= LARGEST_FLOAT32 for number in numbers) and not divides_by_nothing


def _finding(code: str, where: str, what: str, fix: str) -> Finding:
    return Finding(code=code, where=where, what=what, fix=fix)


def _refuse_length(count: int) -> Finding:
    what = f"{count} steps are more than the engine takes ({MAX_STEPS})."
    return _finding("E-PREPROCESS-PROGRAM", "preprocessing", what, "Join steps.")


def _refuse_size(size: tuple[int, int] | None, height: int, width: int) -> Finding:
    what = f"the steps end in {_name_size(size or (0, 0))} pixels, but the network takes {_name_size((height, width))}."
    fix = "Correct the last resize or crop_center, or input.width and input.height."
    return _finding("E-PREPROCESS-SHAPE", "preprocessing", what, fix)


def _name_size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
