"""The golden cases of tests/data/preprocessing_vectors.json as programs of our engine, for Python and the browser.

A case is one program, one 8-bit image and what the named library made of it. Cases with float input start with a
`rescale` by 1, which makes the same floats; what the engine has no operation for is listed in NOT_APPLICABLE.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter

from webipred.catalog.preprocessing import Step
from webipred.engine.program import encode_program

VECTORS: Final = Path(__file__).parent / "data/preprocessing_vectors.json"

NOT_APPLICABLE: Final = {
    "cv2-linear-exact-u8-down": "the catalog offers no INTER_LINEAR_EXACT",
    "pil-lanczos-u8-down": "the catalog offers no Lanczos",
    "pil-box-u8-down": "the catalog offers no box filter",
    "pil-rgba-to-rgb": "decoding, see tests/unit/images",
    "pil-gray16-png-to-rgb": "decoding, see tests/unit/images",
    "standardize-z-score-per-channel": "the catalog offers no statistics per channel",
    "padding-constant": "the catalog pads to a square only",
    "color-constancy": "the catalog offers no colour constancy",
    **{f"exif-orientation-{number}": "decoding, see tests/unit/images" for number in range(1, 9)},
}
"""Case id → why the engine cannot run it."""

LIKE_AND_METHOD: Final = {
    "linear": ("opencv", "bilinear"),
    "cubic": ("opencv", "bicubic"),
    "area": ("opencv", "area"),
    "nearest": ("opencv", "nearest"),
}
STEPS: Final = TypeAdapter(list[Step])


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCase:
    """`image` uint8 and `expected` float32 are (height, width, channels); large cases have a digest instead."""

    id: str
    program: bytes
    image: NDArray[numpy.uint8]
    expected: NDArray[numpy.float32] | None = None
    expected_sha256: str = ""
    """SHA-256 of the result as uint8, row by row, where `expected` is None."""
    tolerance: float = 0.0


def list_golden_cases() -> list[GoldenCase]:
    """Return every case that the engine can run, the small ones first."""
    document = json.loads(VECTORS.read_text(encoding="utf-8"))
    small = [case for raw in document["cases"] if raw["id"] not in NOT_APPLICABLE for case in _convert_small(raw)]
    return small + [case for raw in document["large_cases"] for case in _convert_large(raw)]


def export_golden_case(case: GoldenCase) -> dict[str, JsonValue]:
    """Return a case as JSON for the browser: bytes as base64, shapes as lists."""
    expected = None if case.expected is None else case.expected
    return {
        "id": case.id,
        "program": base64.b64encode(case.program).decode(),
        "image": base64.b64encode(case.image.tobytes()).decode(),
        "image_shape": list(case.image.shape),
        "expected": None if expected is None else base64.b64encode(expected.astype("<f4").tobytes()).decode(),
        "expected_shape": None if expected is None else list(expected.shape),
        "expected_sha256": case.expected_sha256,
        "tolerance": case.tolerance,
    }


def make_noise(seed: int, shape: list[int]) -> NDArray[numpy.uint8]:
    """Return the bytes of the file's 32-bit generator: x = 1664525 x + 1013904223 mod 2^32, byte = x >> 24."""
    count = int(numpy.prod(shape))
    factor, offset, mask = 1664525, 1013904223, 0xFFFFFFFF
    block = 4096
    values = numpy.empty(-(-count // block) * block, numpy.uint64)
    state = seed
    for position in range(block):
        state = (factor * state + offset) & mask
        values[position] = state
    jump_factor = pow(factor, block, 1 << 32)
    jump_offset = offset * sum(pow(factor, power, 1 << 32) for power in range(block)) & mask
    for start in range(block, len(values), block):
        values[start : start + block] = (values[start - block : start] * jump_factor + jump_offset) & mask
    return (values[:count] >> 24).astype(numpy.uint8).reshape(shape)


def _convert_small(raw: dict[str, JsonValue]) -> Iterator[GoldenCase]:
    name, source, expected = raw["id"], raw["input"], raw["expected"]
    assert isinstance(name, str)
    assert isinstance(source, dict)
    assert isinstance(expected, dict)
    values = _as_image(source["data"])
    wanted = _as_image(expected["data"]).astype(numpy.float32)
    if name == "clip":
        yield from _split_clip(raw, values, wanted)
        return
    steps = _list_steps(str(raw["op"]), raw["params"])
    if source["dtype"] == "float32":
        steps = [{"op": "rescale"}, *steps]
    image = values.astype(numpy.uint8)
    tolerance = float(str(raw["tolerance"]))
    yield make_case(name, steps, image, expected=wanted, tolerance=tolerance)
    if "expected_pillow_le_12" in raw:
        steps = [{**step, "pass_order": "horizontal-first"} for step in steps]
        wanted = _as_image(raw["expected_pillow_le_12"]).astype(numpy.float32)
        yield make_case(f"{name}-pillow-12", steps, image, expected=wanted, tolerance=tolerance)


def _split_clip(
    raw: dict[str, JsonValue], values: NDArray[numpy.float64], wanted: NDArray[numpy.float32]
) -> Iterator[GoldenCase]:
    """Make one case per value: a black pixel and an offset stand for a float that no 8-bit pixel holds."""
    for number, (value, result) in enumerate(zip(values.flat, wanted.flat, strict=True)):
        steps: list[dict[str, JsonValue]] = [
            {"op": "rescale", "offset": float(value)},
            *_list_steps("AUCMEDI.Clip", raw["params"]),
        ]
        expected = numpy.full((1, 1, 1), result, numpy.float32)
        yield make_case(f"clip-{number}", steps, numpy.zeros((1, 1, 1), numpy.uint8), expected=expected)


def _convert_large(raw: dict[str, JsonValue]) -> Iterator[GoldenCase]:
    operation, seed, shape = str(raw["op"]), raw["seed"], raw["shape"]
    height, width = raw["height"], raw["width"]
    assert isinstance(seed, int)
    assert isinstance(shape, list)
    noise = make_noise(seed, [int(str(side)) for side in shape])
    image = noise if noise.ndim == 3 else noise[..., None]
    like = "opencv" if operation.startswith("cv2") else "pillow"
    step: dict[str, JsonValue] = {"op": "resize", "like": like, "height": height, "width": width}
    name = f"large-{operation.replace(' ', '-')}-{seed}"
    yield make_case(name, [step], image, sha256=str(raw["expected_sha256"]))
    if "expected_sha256_pillow_le_12" in raw:
        older = {**step, "pass_order": "horizontal-first"}
        yield make_case(f"{name}-pillow-12", [older], image, sha256=str(raw["expected_sha256_pillow_le_12"]))


def _list_steps(operation: str, params: JsonValue) -> list[dict[str, JsonValue]]:
    assert isinstance(params, dict)
    size: dict[str, JsonValue] = {key: params[key] for key in ("height", "width") if key in params}
    if operation == "cv2.resize":
        like, method = LIKE_AND_METHOD[str(params["interpolation"])]
        return [{"op": "resize", "like": like, "method": method, **size}]
    if operation == "PIL.resize":
        return [{"op": "resize", "like": "pillow", "method": params["resample"], **size}]
    if operation == "chain":
        assert isinstance(params["steps"], list)
        return [step for raw in params["steps"] if isinstance(raw, dict) for step in _list_steps(str(raw["op"]), raw)]
    single: dict[str, list[dict[str, JsonValue]]] = {
        "PIL.convert('L')": [{"op": "to_channels", "channels": "gray", "like": "pillow"}],
        "AUCMEDI.Chromer": [{"op": "to_channels", "channels": "gray"}],
        "AUCMEDI.Padding": [{"op": "pad_to_square"}],
        "AUCMEDI.Clip": [{"op": "clip", "min": params.get("min"), "max": params.get("max")}],
        "AUCMEDI.Standardize": [{"op": "standardize", "mode": params.get("mode")}],
    }
    return single[operation]


def make_case(
    name: str,
    steps: list[dict[str, JsonValue]],
    image: NDArray[numpy.uint8],
    *,
    expected: NDArray[numpy.float32] | None = None,
    sha256: str = "",
    tolerance: float = 0.0,
) -> GoldenCase:
    """Compile `steps` for this image; the result's size is that of `expected`, or of the last resize."""
    parsed = STEPS.validate_python(steps)
    height, width = (steps[-1]["height"], steps[-1]["width"]) if expected is None else expected.shape[:2]
    program = encode_program(parsed, image_channels=image.shape[2], height=int(str(height)), width=int(str(width)))
    return GoldenCase(
        id=name, program=program, image=image, expected=expected, expected_sha256=sha256, tolerance=tolerance
    )


def _as_image(data: JsonValue) -> NDArray[numpy.float64]:
    values = numpy.array(data, numpy.float64)
    return values if values.ndim == 3 else values[..., None]
