"""The engine against hostile input: a bad program is a status and a sentence, never a trap."""

import struct

import numpy
import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_runs import STEPS
from webipred.assets import read_asset
from webipred.engine.preprocessor import Preprocessor
from webipred.engine.program import encode_program
from webipred.errors import FindingsError

IMAGE = numpy.random.default_rng(1).integers(0, 256, (23, 17, 3), dtype=numpy.uint8)
CHAIN = STEPS.validate_python(
    [
        {"op": "pad_to_square"},
        {"op": "crop_center", "width": 20, "height": 21},
        {"op": "resize", "like": "pillow", "width": 30, "height": 12},
        {"op": "clip", "min": 3, "max": 250},
        {"op": "resize", "like": "tensorflow", "antialias": True, "width": 9, "height": 8},
        {"op": "rescale", "scale": 0.5},
        {"op": "standardize", "mode": "torch"},
    ]
)
RAW_ENGINE = wasmtime.Engine()
PROGRAM = encode_program(CHAIN, image_channels=3, height=8, width=9)
CODES = {"E-PREPROCESS-PROGRAM", "E-PREPROCESS-SHAPE", "E-PREPROCESS-CHANNELS", "E-PREPROCESS-TYPE"} | {
    "E-PREPROCESS-CROP",
    "E-PREPROCESS-RANGE",
    "E-PREPROCESS-TOO-LARGE",
    "E-PREPROCESS-FINITE",
}


def run_code(preprocessor: Preprocessor, program: bytes, image: numpy.typing.NDArray[numpy.uint8] = IMAGE) -> str:
    try:
        result = preprocessor.run(program, image)
    except FindingsError as error:
        return error.findings[0].code
    assert numpy.isfinite(result).all()
    return ""


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(PROGRAM) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_program_with_changed_bytes_never_traps(preprocessor: Preprocessor, changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(PROGRAM)
    for position, value in changes:
        mutated[position] = value
    assert run_code(preprocessor, bytes(mutated)) in CODES | {""}


@settings(max_examples=300, deadline=None)
@given(
    words=st.lists(
        st.one_of(st.integers(0, 8), st.sampled_from([21, 4096, 4097, 0x3F800000, 0x7F800000, 0x7FC00000, 2**32 - 1])),
        min_size=8,
        max_size=8,
    )
)
def test_a_step_of_any_words_never_traps(preprocessor: Preprocessor, words: list[int]) -> None:
    program = b"WPRE" + struct.pack("<7I", 1, 1, 3, 23, 17, 3, 0) + struct.pack("<8I", *words)
    assert run_code(preprocessor, program) in CODES | {""}


@settings(max_examples=60, deadline=None)
@given(program=st.binary(max_size=80))
def test_arbitrary_bytes_are_no_program(preprocessor: Preprocessor, program: bytes) -> None:
    assert "E-PREPROCESS-PROGRAM" == run_code(preprocessor, program)


def test_a_cut_off_program_is_refused_at_every_length(preprocessor: Preprocessor) -> None:
    assert {"E-PREPROCESS-PROGRAM"} == {run_code(preprocessor, PROGRAM[:size]) for size in range(len(PROGRAM))}


def test_an_image_with_other_channels_is_refused(preprocessor: Preprocessor) -> None:
    with pytest.raises(FindingsError, match="not the number of channels"):
        preprocessor.run(PROGRAM, IMAGE[..., :1].copy())


def test_an_image_of_another_size_is_refused_when_nothing_resizes(preprocessor: Preprocessor) -> None:
    program = encode_program([], image_channels=3, height=8, width=9)
    with pytest.raises(FindingsError, match="not the size that the model takes"):
        preprocessor.run(program, IMAGE)


def test_an_image_without_pixels_is_refused(preprocessor: Preprocessor) -> None:
    with pytest.raises(FindingsError, match="has no pixels"):
        preprocessor.run(PROGRAM, IMAGE[:0])


def test_an_image_over_the_budget_is_refused(preprocessor: Preprocessor) -> None:
    program = encode_program([], image_channels=1, height=8, width=9)
    with pytest.raises(FindingsError, match="more than 64 million pixels"):
        preprocessor.run(program, numpy.zeros((8001, 8000, 1), numpy.uint8))


def test_padding_that_would_explode_is_refused(preprocessor: Preprocessor) -> None:
    with pytest.raises(FindingsError, match="64 million pixels out of this one"):
        preprocessor.run(PROGRAM, numpy.zeros((100_000, 1, 3), numpy.uint8))


def test_pixels_of_another_type_are_a_programming_error(preprocessor: Preprocessor) -> None:
    with pytest.raises(TypeError, match="uint8"):
        preprocessor.run(PROGRAM, IMAGE.astype(numpy.float32))


def test_the_same_image_gives_the_same_bits(preprocessor: Preprocessor) -> None:
    first, second = preprocessor.run(PROGRAM, IMAGE), preprocessor.run(PROGRAM, IMAGE)
    assert first.tobytes() == second.tobytes()


def test_other_modules_are_refused() -> None:
    with pytest.raises(FindingsError, match="no WebAssembly module"):
        Preprocessor(b"\0asm nonsense")
    with pytest.raises(FindingsError, match="other exports or imports"):
        Preprocessor(bytes(wasmtime.wat2wasm('(module (memory (export "memory") 1))')))


def call_raw(store: wasmtime.Store, instance: wasmtime.Instance, name: str, *arguments: int) -> int:
    function = instance.exports(store)[name]
    assert isinstance(function, wasmtime.Func)
    result = function(store, *arguments)
    return 0 if result is None else int(result)


@pytest.fixture(scope="module")
def raw_module() -> wasmtime.Module:
    """The engine without the checks of Preprocessor in front of it."""
    return wasmtime.Module(RAW_ENGINE, read_asset("engine.wasm"))


@settings(max_examples=150, deadline=None)
@given(
    arguments=st.lists(
        st.one_of(st.integers(-(2**31), 2**31 - 1), st.sampled_from([0, 1, 3, 16, 32, 65536, -1])),
        min_size=7,
        max_size=7,
    )
)
def test_any_arguments_are_a_status(raw_module: wasmtime.Module, arguments: list[int]) -> None:
    store = wasmtime.Store(RAW_ENGINE)
    instance = wasmtime.Instance(store, raw_module, [])
    assert 0 < call_raw(store, instance, "preprocess", *arguments) <= 17


def test_memory_that_cannot_grow_is_offset_zero(raw_module: wasmtime.Module) -> None:
    store = wasmtime.Store(RAW_ENGINE)
    instance = wasmtime.Instance(store, raw_module, [])
    first = call_raw(store, instance, "reserve", 100)
    assert 0 == first % 16
    assert 0 == call_raw(store, instance, "reserve", -1)
    call_raw(store, instance, "reset")
    assert first == call_raw(store, instance, "reserve", 100)
